import { type DicomJson, jsonItems, jsonNumber, jsonText } from '#libs/dicom';

export interface ReportedCode {
  value: string;
  scheme: string;
  meaning: string;
}

/** A measurement of a report, as `result.findings` keeps it. */
export interface ReportedFinding {
  name: string;
  code: ReportedCode;
  value: number;
  unit: ReportedCode;
  sourceInstances: string[];
}

/** What a structured report that somebody else wrote says, as far as it says it in codes we know. */
export interface ReportedFindings {
  /** undefined: no such verdict, which says nothing about the study. */
  outcome: 'positive' | 'negative' | 'inconclusive' | undefined;
  comment: string | undefined;
  findings: ReportedFinding[];
}

/** Verdicts by `scheme|value`: SNOMED CT's qualifiers, and CID 6047 "CAD Processing and Findings Summary". */
const verdicts: Record<string, NonNullable<ReportedFindings['outcome']>> = {
  'SCT|10828004': 'positive',
  'SCT|260385009': 'negative',
  'SCT|419984006': 'inconclusive',
  'DCM|111242': 'positive',
  'DCM|111244': 'positive',
  'DCM|111241': 'negative',
  'DCM|111243': 'inconclusive',
  'DCM|111245': 'inconclusive',
};
/** Concepts under which a verdict is on the whole study; "Positive" under another name is about something else. */
const verdictConcepts = ['99ISOCENTER|triage-outcome', 'DCM|111017'];
const comment = 'DCM|121106';

const findingsMax = 100;
const itemsMax = 10_000;

/**
 * Reads the content tree of an SR document (PS3.3 C.17.3, PS3.16 TID 1500): its measurements, and its verdict if it gives
 * one. Several verdicts: the most serious one.
 */
export function reportedFindings(report: DicomJson): ReportedFindings {
  const found: ReportedFindings = { outcome: undefined, comment: undefined, findings: [] };
  const outcomes = new Set<string>();
  const open = [report];
  for (let count = 0; open.length > 0 && count < itemsMax; count++) {
    const item = open.shift()!;
    open.push(...jsonItems(item, '0040A730'));
    const concept = codeOf(item, '0040A043');
    switch (jsonText(item, '0040A040')) {
      case 'NUM':
        if (found.findings.length < findingsMax) found.findings.push(...measurement(item, concept));
        break;
      case 'CODE': {
        const value = codeOf(item, '0040A168');
        const verdict = value && verdicts[keyOf(value)];
        if (verdict !== undefined && concept !== undefined && verdictConcepts.includes(keyOf(concept))) {
          outcomes.add(verdict);
        }
        break;
      }
      case 'TEXT':
        if (concept !== undefined && keyOf(concept) === comment) found.comment ??= jsonText(item, '0040A160');
    }
  }
  found.outcome = (['positive', 'inconclusive', 'negative'] as const).find((outcome) => outcomes.has(outcome));
  return found;
}

function measurement(item: DicomJson, concept: ReportedCode | undefined): ReportedFinding[] {
  const measured = jsonItems(item, '0040A300')[0];
  const value = measured && jsonNumber(measured, '0040A30A');
  if (measured === undefined || value === undefined || concept === undefined) return [];
  const unit = codeOf(measured, '004008EA') ?? { value: '1', scheme: 'UCUM', meaning: 'no units' };
  return [{ name: concept.meaning, code: concept, value, unit, sourceInstances: [] }];
}

function codeOf(item: DicomJson, tag: string): ReportedCode | undefined {
  const code = jsonItems(item, tag)[0];
  const value = code && (jsonText(code, '00080100') ?? jsonText(code, '00080119') ?? jsonText(code, '00080120'));
  if (code === undefined || value === undefined) return undefined;
  return { value, scheme: jsonText(code, '00080102') ?? '', meaning: jsonText(code, '00080104') ?? value };
}

function keyOf({ scheme, value }: ReportedCode): string {
  return `${scheme}|${value}`;
}
