import type { Identity } from '#libs/auth';
import type { Config } from '#libs/config';
import { HttpProblem } from '#libs/server';

const readerCharactersMax = 64;

/**
 * In whose name something is read. Who has a token of their own reads in their own name and no other; where nobody has
 * one, readers are who they say they are.
 * @param given header `X-Reader`, or `reader` of the body
 * @throws HttpProblem 403 for another's name, or for the suite's own token where readers have theirs; 400 without any
 */
export function readerName(config: Config, { name }: Identity, given: unknown): string {
  const said = typeof given === 'string' ? given.trim() : '';
  if (name !== undefined) {
    if (said === '' || said === name) return name;
    throw new HttpProblem(403, 'Not your name', `This token is ${name}'s: nobody reads in the name of another.`);
  }
  if (config.accounts.length > 0) {
    throw new HttpProblem(
      403,
      'Who reads?',
      "This token is nobody's, and readers have tokens of their own here: use the one of whoever reads.",
    );
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  if (said === '' || said.length > readerCharactersMax || /[\u0000-\u001f\u007f\\^=]/.test(said)) {
    throw new HttpProblem(
      400,
      'Who reads?',
      `Say who reads in the header X-Reader or as {"reader": "name"}: 1 to ${readerCharactersMax} characters, none of \\ ^ =.`,
    );
  }
  return said;
}
