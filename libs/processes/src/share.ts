import { once } from 'node:events';

/** What one of several processes that serve the same port is to do. */
export interface Share {
  /** From 1. The first also does the jobs, migrates the database and speaks to the terminal. */
  readonly number: number;
  /** How many there are; what is limited for the server is divided by it. */
  readonly of: number;
  readonly port: number;
  readonly databaseUrl: string;
  /** Not in the place of one that died. */
  readonly isFirstStart: boolean;
}

const question = { kind: 'share?' } as const;

export function isShareQuestion(message: unknown): boolean {
  return (message as { kind?: unknown } | null)?.kind === question.kind;
}

/** Asked for rather than sent: it comes when somebody listens. */
export async function askForShare(): Promise<Share> {
  const answer = once(process, 'message');
  process.send!(question);
  const [share] = (await answer) as [Share];
  return share;
}
