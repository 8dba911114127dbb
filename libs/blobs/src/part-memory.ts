/** What a part has where its object is not very large: smaller ones cost the server more, larger ones memory. */
export const usualPartBytes = 16 * 1024 ** 2;
// Of two uploads at once, and no more: what is kept is memory that nobody else has.
export const partsKeptMax = 6;
const idleMilliseconds = 60_000;
const free: Buffer[] = [];
let idle: NodeJS.Timeout | undefined;

/**
 * New memory for each part would let the garbage collector go through the whole heap for every few of them, and the kernel
 * clear it: together they cost as much as sending. What nobody has used for a minute is let go.
 * @returns so many bytes, whatever was in them
 */
export function takePart(bytes: number): Buffer {
  return (bytes === usualPartBytes ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
}

/** @param part all of what {@link takePart} gave, which nobody reads any more */
export function givePartBack(part: Buffer): void {
  if (part.length !== usualPartBytes || free.length >= partsKeptMax) return;
  free.push(part);
  clearTimeout(idle);
  idle = setTimeout(() => (free.length = 0), idleMilliseconds).unref();
}
