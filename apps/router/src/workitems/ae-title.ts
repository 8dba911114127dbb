import { HttpProblem } from '#libs/server';

/**
 * An AE title (PS3.5 6.2: up to 16 characters of the default repertoire, no backslash, not only spaces).
 * @throws HttpProblem 400
 */
export function aeTitle(text: string): string {
  const title = text.trim();
  if (/^[\x20-\x5b\x5d-\x7e]{1,16}$/.test(title)) return title;
  throw new HttpProblem(
    400,
    'Not an AE title',
    'The path must name an Application Entity by its title: 1 to 16 ASCII characters, no backslash.',
  );
}
