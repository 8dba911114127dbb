import { WireError } from '../wire/wire-error.js';

/** The reason is for people who look at the list of deletions. */
export const reasonCharactersMax = 300;

/**
 * Why something is to be deleted: the query parameter `reason`, or the header field `X-Deletion-Reason`.
 * @param search as it stands in the URL, without the question mark
 * @throws WireError when it is longer than {@link reasonCharactersMax} or has control characters
 */
export function readReason(search: string, header: string | string[] | undefined): string | undefined {
  const given = new URLSearchParams(search).get('reason') ?? (typeof header === 'string' ? header : '');
  const reason = given.trim();
  if (reason === '') return undefined;
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  if (reason.length > reasonCharactersMax || /[\u0000-\u001f\u007f]/.test(reason) || !reason.isWellFormed()) {
    throw new WireError(`The reason takes up to ${reasonCharactersMax} characters, none of them control characters.`);
  }
  return reason;
}
