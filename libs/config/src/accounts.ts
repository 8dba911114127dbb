import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from './config-error.js';

/**
 * reader: looks at everything and reads studies. performer: looks at everything, stores instances and performs workitems
 * (modalities, AI of others). admin: all of it.
 */
export const roles = ['reader', 'performer', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Somebody who has a token of their own. The token itself is known to nobody here. */
export interface Account {
  readonly name: string;
  readonly roles: readonly Role[];
  /** SHA-256 of the token, lower-case hex. */
  readonly sha256: string;
}

const nameCharactersMax = 64;

// A reader's name becomes a DICOM person name, in which \\ ^ = part components.
const accountName = z
  .string()
  .trim()
  .min(1)
  .max(nameCharactersMax)
  .regex(/^[^\u0000-\u001f\u007f\\^=]+$/, 'none of \\ ^ = and no control characters');

const fileSchema = z.array(
  z.strictObject({
    name: accountName,
    roles: z.array(z.enum(roles)).min(1),
    sha256: z
      .string()
      .toLowerCase()
      .regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the token in hex, 64 characters'),
  }),
);

/**
 * Reads the file of named tokens: `[{"name": "Dr. Ada Lovelace", "roles": ["reader"], "sha256": "…"}]`.
 * @throws ConfigError naming what is wrong in it
 */
export function readAccounts(file: string | undefined, apiToken: string | undefined): readonly Account[] {
  if (file === undefined) return Object.freeze([]);
  if (apiToken === undefined) {
    throw new ConfigError(
      'ISOCENTER_TOKENS_FILE names people, and the suite needs a token of its own beside theirs: set ISOCENTER_API_TOKEN.',
    );
  }
  const wrong = (what: string) => new ConfigError(`The file of ISOCENTER_TOKENS_FILE is not usable: ${what}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    throw wrong(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  }
  const seen = new Set<string>([createHash('sha256').update(apiToken).digest('hex')]);
  const names = new Set<string>();
  for (const { name, sha256 } of parsed.data) {
    if (names.has(name)) throw wrong(`two accounts are called ${JSON.stringify(name)}`);
    if (seen.has(sha256)) throw wrong(`the token of ${JSON.stringify(name)} is another one's, too`);
    names.add(name);
    seen.add(sha256);
  }
  return Object.freeze(parsed.data.map((account) => Object.freeze(account)));
}
