import { WireError } from './wire-error.js';

/** Number of Frames is an IS: no instance has more than that (PS3.5 6.2), and what is beyond is not there either way. */
const frameNumberMax = 2 ** 31 - 1;

/**
 * Reads the frames of a URL, e.g. `3,1,2`.
 * @returns the numbers as asked for, counting from 1; repetitions stay
 * @throws WireError for anything that is not a list of whole numbers from 1, or too long
 */
export function parseFrameList(text: string, framesMax: number): number[] {
  const members = text.split(',').map((member) => member.trim());
  if (members.length > framesMax)
    throw new WireError(`One request can have ${framesMax} frames; this one asks for ${members.length}.`);
  return members.map((member) => {
    const number = /^\d{1,10}$/.test(member) ? Number(member) : 0;
    if (number < 1)
      throw new WireError('Frames are asked for by a list of whole numbers from 1, for example 1 or 3,1,2.');
    return Math.min(number, frameNumberMax);
  });
}
