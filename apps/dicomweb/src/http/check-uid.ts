import { isUid } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { WireError } from '../wire/wire-error.js';

/** The study, series and instance that a URL names. */
export interface Target {
  study?: string;
  series?: string;
  instance?: string;
}

/** Before a UID of a URL touches SQL. @throws WireError, answered with 400 */
export function checkUid(uid: string, name: string): void {
  if (!isUid(uid)) throw new WireError(`The ${name} of the URL is not a UID (digits and dots, at most 64 characters).`);
}

/** @throws WireError when one of the UIDs is none */
export function checkTarget(target: Target): void {
  if (target.study !== undefined) checkUid(target.study, 'Study Instance UID');
  if (target.series !== undefined) checkUid(target.series, 'Series Instance UID');
  if (target.instance !== undefined) checkUid(target.instance, 'SOP Instance UID');
}

/** The answer for what is not here. It does not say which of the UIDs is unknown: that would tell what else exists. */
export function notFound(target: Target): HttpProblem {
  const what = target.instance !== undefined ? 'instance' : target.series !== undefined ? 'series' : 'study';
  return new HttpProblem(404, 'Not Found', `This archive has no such ${what}.`);
}
