export const slabBytes = 1024 * 1024;
// What a few uploads use at once; memory that is used again is no work for the garbage collector.
const keptMax = 16;
const free: Buffer[] = [];

/** @returns {@link slabBytes} bytes of memory of their own, whatever was in them */
export function takeSlab(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
}

export function giveSlabBack(slab: Buffer): void {
  if (free.length < keptMax) free.push(slab);
}
