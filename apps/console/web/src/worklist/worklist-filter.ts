import type { ReadingScope } from '../api/worklist.js';
import type { AiState, WorklistItem } from '../api/worklist-item.js';
import { formatPersonName } from '../format/format-person-name.js';

/** What the reader wants to see; empty strings let everything through. */
export interface WorklistFilter {
  specialty: string;
  modality: string;
  bodyPart: string;
  ai: string;
  text: string;
  /** Which reading tasks the server is asked for. */
  scope: ReadingScope;
}

export const noFilter: WorklistFilter = { specialty: '', modality: '', bodyPart: '', ai: '', text: '', scope: '' };

export const aiStateNames: Record<AiState, string> = {
  positive: 'Positive',
  overridden: 'Overridden',
  inconclusive: 'Inconclusive',
  negative: 'Negative',
  pending: 'Pending',
  failed: 'Failed',
  'not-analysed': 'Not analysed',
};

/** Reads the filter from an address such as `?specialty=radiology&q=miller`. */
export function readWorklistFilter(search: string): WorklistFilter {
  const query = new URLSearchParams(search);
  const value = (name: string) => query.get(name)?.trim() ?? '';
  const scope = value('state');
  return {
    specialty: value('specialty'),
    modality: value('modality'),
    bodyPart: value('bodyPart'),
    ai: value('ai'),
    text: query.get('q') ?? '',
    scope: scope === 'completed' || scope === 'all' || scope === 'mine' ? scope : '',
  };
}

/** The address of a filter: `''` for none. */
export function writeWorklistFilter(filter: WorklistFilter): string {
  const query = new URLSearchParams();
  if (filter.specialty) query.set('specialty', filter.specialty);
  if (filter.modality) query.set('modality', filter.modality);
  if (filter.bodyPart) query.set('bodyPart', filter.bodyPart);
  if (filter.ai) query.set('ai', filter.ai);
  if (filter.text) query.set('q', filter.text);
  if (filter.scope) query.set('state', filter.scope);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Every word of the search text must be found in the name, an identifier, the description or the AI's summary. */
export function matchesWorklistFilter(item: WorklistItem, filter: WorklistFilter): boolean {
  if (filter.specialty && item.specialty !== filter.specialty) return false;
  if (filter.modality && !item.modalities.includes(filter.modality)) return false;
  if (filter.bodyPart && !item.bodyParts.includes(filter.bodyPart)) return false;
  if (filter.ai && item.ai.state !== filter.ai) return false;
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return true;
  const haystack = [
    item.patientName,
    formatPersonName(item.patientName),
    item.patientId,
    item.accessionNumber,
    item.studyDescription,
    item.ai.summary,
    item.studyInstanceUid,
  ]
    .join('\n')
    .toLowerCase();
  return words.every((word) => haystack.includes(word));
}

export interface Choice {
  value: string;
  count: number;
}
