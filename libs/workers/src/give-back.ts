/** Smaller ones are no burden, and may share their memory with others. */
const largeBytesMin = 16 * 1024;

/**
 * Gives the memory of a large array back at once: whoever has the array has none from then on. Left to the garbage
 * collector, frames of some megabytes make it look through the whole heap every few of them, and each is then written
 * into memory that the system has to clear first: up to half of what decoding a frame takes. An array with only a
 * part of its memory is left alone.
 */
export function giveBack({ buffer, byteLength }: ArrayBufferView): void {
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isAlone && byteLength >= largeBytesMin) buffer.transfer(0);
}
