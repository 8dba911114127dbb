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
      version: string;
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

/** Waits until every model asked about a study has said something of it, or was given up. */
export function waitForResults(url: string, patientIds: string[]): Promise<WorklistItem[]> {
  return waitFor(`AI results of ${patientIds.join(', ')}`, async () => {
    const items = await getWorklist(url);
    const wanted = patientIds.map((id) => items.find((item) => item.patientId === id));
    const isSettled = wanted.every(
      (item) =>
        item !== undefined &&
        !['pending', 'not-analysed'].includes(item.ai.state) &&
        // What one model said is the study's state while another is still at it.
        item.ai.results.every(({ state }) => state === 'COMPLETED' || state === 'CANCELED'),
    );
    return isSettled ? (wanted as WorklistItem[]) : undefined;
  });
}
