import { type DicomJson, jsonItems, jsonNumber, jsonText } from '#libs/dicom';

/** An item of a structured report's content tree, as people read it (PS3.3 C.17.3). */
export interface ReportItem {
  /** What it is, in words; '' where nothing says. */
  name: string;
  /** What it says: one line, or several of a text. */
  value: string;
  kind: 'container' | 'number' | 'reference' | 'text';
  /** Of a number. */
  unit?: string;
  /** Of a reference. */
  reference?: ReportReference;
  items: ReportItem[];
}

export interface ReportReference {
  sopClassUid: string;
  sopInstanceUid: string;
  frameNumbers: number[];
}

/** Content trees are deep by nature, and endless only by malice. */
const depthMax = 32;
const itemsMax = 20_000;

/** Whether an instance is a structured report or a selection of key objects: text with references. */
export function isReport(sopClassUid: string): boolean {
  return /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.\d+$/.test(sopClassUid);
}

/** The tree of a report, its root being the document title. */
export function readReport(dataset: DicomJson): ReportItem {
  const budget = { items: itemsMax };
  return readItem(dataset, 0, budget);
}

function readItem(item: DicomJson, depth: number, budget: { items: number }): ReportItem {
  budget.items -= 1;
  const name = meaningOf(item, '0040A043');
  const children = depth >= depthMax ? [] : jsonItems(item, '0040A730');
  const items: ReportItem[] = [];
  for (const child of children) {
    if (budget.items <= 0) {
      items.push({
        name: '',
        value: `The report goes on; more than ${itemsMax} items are not shown.`,
        kind: 'text',
        items: [],
      });
      break;
    }
    items.push(readItem(child, depth + 1, budget));
  }
  return { name, ...readValue(item), items };
}

function readValue(item: DicomJson): Omit<ReportItem, 'name' | 'items'> {
  const type = jsonText(item, '0040A040') ?? '';
  const text = (value: string | undefined) => ({ kind: 'text', value: value ?? '' }) as const;
  switch (type) {
    case 'CONTAINER':
      return { kind: 'container', value: '' };
    case 'TEXT':
      return text(jsonText(item, '0040A160'));
    case 'CODE':
      return text(meaningOf(item, '0040A168'));
    case 'NUM':
      return readNumber(item);
    case 'DATETIME':
      return text(dateTime(jsonText(item, '0040A120')));
    case 'DATE':
      return text(dateTime(jsonText(item, '0040A121')));
    case 'TIME':
      return text(time(jsonText(item, '0040A122')));
    case 'UIDREF':
      return text(jsonText(item, '0040A124'));
    case 'PNAME':
      return text(personName(item, '0040A123'));
    case 'IMAGE':
    case 'COMPOSITE':
    case 'WAVEFORM':
      return readReference(item, type);
    case 'SCOORD':
    case 'SCOORD3D': {
      const points = item['00700022']?.Value?.length ?? 0;
      const axes = type === 'SCOORD' ? 2 : 3;
      return text(`${(jsonText(item, '00700023') ?? 'region').toLowerCase()} of ${Math.floor(points / axes)} points`);
    }
    case 'TCOORD':
      return text(`${(jsonText(item, '0040A130') ?? 'moment').toLowerCase()} in time`);
    default:
      // By reference: an item that stands elsewhere in the tree.
      return text(item['0040DB73']?.Value ? `see item ${item['0040DB73'].Value.join('.')}` : '');
  }
}

function readNumber(item: DicomJson): Omit<ReportItem, 'name' | 'items'> {
  const measured = jsonItems(item, '0040A300')[0];
  if (measured === undefined) {
    return { kind: 'number', value: meaningOf(item, '0040A301') || 'not measured' };
  }
  const value = jsonText(measured, '0040A30A') ?? jsonNumber(measured, '0040A30A')?.toString() ?? '';
  const unitCode = jsonItems(measured, '004008EA')[0];
  const code = unitCode && jsonText(unitCode, '00080100');
  const isPlain = code === undefined || code === '1' || /^\{.*\}$/.test(code);
  return { kind: 'number', value, ...(!isPlain && { unit: code }) };
}

function readReference(item: DicomJson, type: string): Omit<ReportItem, 'name' | 'items'> {
  const referenced = jsonItems(item, '00081199')[0];
  const sopInstanceUid = referenced && jsonText(referenced, '00081155');
  if (referenced === undefined || sopInstanceUid === undefined) return { kind: 'text', value: '' };
  const frameNumbers = (referenced['00081160']?.Value ?? [])
    .map(Number)
    .filter((number) => Number.isInteger(number) && number > 0);
  const frames = frameNumbers.length === 0 ? '' : `, frame ${frameNumbers.slice(0, 20).join(', ')}`;
  const what = { IMAGE: 'image', WAVEFORM: 'waveform' }[type] ?? 'object';
  const reference = { sopClassUid: jsonText(referenced, '00081150') ?? '', sopInstanceUid, frameNumbers };
  return { kind: 'reference', value: `${what}${frames}`, reference };
}

/** The meaning of a code in words; the code itself where it has none. */
export function meaningOf(dataset: DicomJson, tag: string): string {
  const code = jsonItems(dataset, tag)[0];
  if (code === undefined) return '';
  return jsonText(code, '00080104') ?? jsonText(code, '00080100') ?? jsonText(code, '00080119') ?? '';
}

/** All groups of a name that differ, in the order people write them. */
export function personName(dataset: DicomJson, tag: string): string | undefined {
  const value = dataset[tag]?.Value?.[0] as Record<string, unknown> | string | null | undefined;
  if (value === undefined || value === null) return undefined;
  const groups =
    typeof value === 'string' ? [value] : ['Alphabetic', 'Ideographic', 'Phonetic'].map((key) => value[key]);
  const written = groups.flatMap((group) => {
    if (typeof group !== 'string' || group === '') return [];
    const [family = '', given = '', middle = '', prefix = '', suffix = ''] = group.split('^');
    return [prefix, given, middle, family, suffix].filter((part) => part !== '').join(' ');
  });
  return written.length === 0 ? undefined : [...new Set(written)].join(' · ');
}

/** YYYYMMDDHHMMSS as far as it goes. */
export function dateTime(text: string | undefined): string | undefined {
  const parts = text && /^(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?/.exec(text);
  if (!parts) return text;
  const [, year, month, day, ...clock] = parts;
  const date = [year, month, day].filter(Boolean).join('-');
  const hours = clock.filter(Boolean).join(':');
  return hours === '' ? date : `${date} ${hours}`;
}

function time(text: string | undefined): string | undefined {
  const parts = text && /^(\d\d)(\d\d)?(\d\d)?/.exec(text);
  return parts ? parts.slice(1).filter(Boolean).join(':') : text;
}
