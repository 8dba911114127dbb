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
  scrub: Progress & { days: number; copies: number; copiesDone: number; damaged: unknown[] };
}

/** How far moves, restores and scrubbing have come. */
export async function getStorageProgress(signal: AbortSignal): Promise<StorageProgress> {
  const [moves, recalls, scrub] = await Promise.all(
    ['moves', 'recalls', 'scrub'].map((what) => requestJson<never>(`/api/storage/${what}`, { signal })),
  );
  return { moves: moves!, recalls: recalls!, scrub: scrub! };
}
