import type { Answer } from '../answer.js';
import { firstText } from '../dataset.js';

export const studiesOf = (answer: Answer): string[] => answer.datasets().map((item) => firstText(item, '0020000D'));

export const instancesOf = (answer: Answer): string[] => answer.datasets().map((item) => firstText(item, '00080018'));

/** @throws Mismatch unless exactly these came, in whatever order */
export function holdsExactly(answer: Answer, found: readonly string[], wanted: readonly string[], what: string): void {
  const isSame = found.length === wanted.length && wanted.every((one) => found.includes(one));
  answer.holds(isSame, `${what}: ${wanted.join(', ') || 'none'}`, found.join(', ') || 'none');
}
