import type { Worker } from 'node:cluster';

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

type Message = { kind: 'share?' } | { kind: 'share'; share: Share };

export function isShareQuestion(message: unknown): boolean {
  return (message as Message | null)?.kind === 'share?';
}

export function sendShare(worker: Worker, share: Share): void {
  worker.send({ kind: 'share', share } satisfies Message);
}

/** Asked for rather than sent: it comes when somebody listens. */
export function askForShare(): Promise<Share> {
  return new Promise((resolve) => {
    const hear = (message: Message) => {
      if (message?.kind !== 'share') return;
      process.off('message', hear);
      resolve(message.share);
    };
    process.on('message', hear);
    process.send!({ kind: 'share?' } satisfies Message);
  });
}
