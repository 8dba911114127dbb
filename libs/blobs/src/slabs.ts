export const slabBytes = 512 * 1024;
// What a few uploads use at once; memory that is used again is no work for the garbage collector.
const keptMax = 32;

/** Memory that threads share, for bytes on their way to the disk. */
export interface Slab {
  readonly memory: SharedArrayBuffer;
  readonly bytes: Buffer;
}

const free: Slab[] = [];

/** @returns {@link slabBytes} bytes, whatever was in them */
export function takeSlab(): Slab {
  const slab = free.pop();
  if (slab !== undefined) return slab;
  const memory = new SharedArrayBuffer(slabBytes);
  return { memory, bytes: Buffer.from(memory) };
}

export function giveSlabBack(slab: Slab): void {
  if (free.length < keptMax) free.push(slab);
}
