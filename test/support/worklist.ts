import { waitFor } from './start-suite.js';

/** What the tests read of a worklist item. */
export interface WorklistItem {
  workitemUid: string;
  studyInstanceUid: string;
  patientId: string;
  specialty: string | null;
  priority: 'HIGH' | 'MEDIUM' | 'LOW';
  priorityReason: string;
  state: string;
  isSample: boolean;
  numberOfInstances: number;
  thumbnailUrl: string;
  ai: {
    state: 'pending' | 'not-analysed' | 'failed' | 'positive' | 'negative' | 'inconclusive';
    summary: string | null;
    results: {
      model: string;
      state: string;
      findings: { name: string; value: number; unit: string; flag: string | null }[];
      report: { seriesInstanceUid: string; sopInstanceUid: string } | null;
    }[];
  };
}

export async function getWorklist(url: string): Promise<WorklistItem[]> {
  const response = await fetch(`${url}/api/worklist`);
  if (!response.ok) throw new Error(`The worklist answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { items: WorklistItem[] }).items;
}

/** Waits until the AI has said something, or given up, of every study asked for, and nothing is under way. */
export function waitForResults(url: string, patientIds: string[]): Promise<WorklistItem[]> {
  return waitFor(`AI results of ${patientIds.join(', ')}`, async () => {
    const items = await getWorklist(url);
    const wanted = patientIds.map((id) => items.find((item) => item.patientId === id));
    const isSettled = wanted.every(
      (item) => item !== undefined && !['pending', 'not-analysed'].includes(item.ai.state),
    );
    return isSettled ? (wanted as WorklistItem[]) : undefined;
  });
}
