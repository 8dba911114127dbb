import { hash } from 'node:crypto';

/** Under which a connection keeps the plan of one of pg-boss's statements; one for each text. */
export function statementName(text: string): string {
  return `job ${hash('sha1', text)}`;
}
