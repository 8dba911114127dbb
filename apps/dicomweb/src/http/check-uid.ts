import { isUid } from '#libs/dicom';
import { WireError } from '../wire/wire-error.js';

/** Before a UID of a URL touches SQL. @throws WireError, answered with 400 */
export function checkUid(uid: string, name: string): void {
  if (!isUid(uid)) throw new WireError(`The ${name} of the URL is not a UID (digits and dots, at most 64 characters).`);
}
