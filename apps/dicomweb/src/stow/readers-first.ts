import { setTimeout as sleep } from 'node:timers/promises';
import { wasReadWithin } from '#libs/server';

/** For each quarter of a megabyte: an upload still brings up to 64 MB a second. */
const pauseMilliseconds = 4;
/** Who looks at images asks for the next as soon as one is there. */
const momentMilliseconds = 100;

/**
 * While others read, uploads are taken in at their ease: a reader waits for every image, and nobody for the last slice of
 * a study on its way here.
 */
export async function letReadersGoFirst(): Promise<void> {
  if (wasReadWithin(momentMilliseconds)) await sleep(pauseMilliseconds);
}
