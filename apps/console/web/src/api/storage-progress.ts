import { requestJson } from './request.js';

/** Something long that is under way. */
export interface Progress {
  bytes: number;
  bytesDone: number;
  bytesLeft: number;
  percent: number;
}

export interface StorageProgress {
  moves: {
    open: Progress & { series: number; copying: number };
    lastDay: { done: number; failed: number };
    moves: (Progress & { seriesInstanceUid: string; tier: string; state: string; error: string | null })[];
  };
  recalls: { open: Progress & { packs: number } };
  scrub: Progress & {
    days: number;
    copies: number;
    copiesDone: number;
    asked: (Progress & { copiesLeft: number }) | null;
    damaged: unknown[];
  };
}

/** Whether somebody who looks would see it go on. */
export const isUnderWay = ({ moves, recalls, scrub }: StorageProgress): boolean =>
  moves.open.series > 0 || recalls.open.packs > 0 || scrub.asked !== null;

/** How far moves, restores and scrubbing have come. */
export async function getStorageProgress(signal: AbortSignal): Promise<StorageProgress> {
  const [moves, recalls, scrub] = await Promise.all(
    ['moves', 'recalls', 'scrub'].map((what) => requestJson<never>(`/api/storage/${what}`, { signal })),
  );
  return { moves: moves!, recalls: recalls!, scrub: scrub! };
}
