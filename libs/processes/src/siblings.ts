import type { Worker } from 'node:cluster';

/*
 * What the processes of one port ask each other, through the one that looks after them. For figures, of which each
 * process has its own; everything that must agree is in the database.
 */

interface Question {
  kind: 'ask-all' | 'asked';
  id: string;
  topic: string;
}

interface Answer {
  kind: 'answer' | 'answered';
  id: string;
  number: number;
  value: unknown;
  /** How many were asked. */
  of: number;
}

/** A process that is busy is left out rather than waited for. */
const answerMillisecondsMax = 2_000;

let lastId = 0;

/**
 * In one of the processes: asks all of them, this one too.
 * @returns the answers that came in time, by the number of the process
 */
export async function askAll(topic: string): Promise<Map<number, unknown>> {
  const id = `${process.pid}-${++lastId}`;
  const answers = new Map<number, unknown>();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      process.off('message', hear);
      resolve(new Map([...answers].sort(([a], [b]) => a - b)));
    };
    const timer = setTimeout(finish, answerMillisecondsMax);
    const hear = (message: Answer) => {
      if (message?.kind !== 'answered' || message.id !== id) return;
      answers.set(message.number, message.value);
      if (answers.size >= message.of) finish();
    };
    process.on('message', hear);
    process.send!({ kind: 'ask-all', id, topic } satisfies Question);
  });
}

/** In one of the processes: what it answers when any asks. @param answer gives what structured clone and JSON can carry */
export function answerOthers(number: number, topic: string, answer: () => Promise<unknown>): void {
  process.on('message', (message: Question) => {
    if (message?.kind !== 'asked' || message.topic !== topic) return;
    void answer()
      .catch(() => undefined)
      .then((value) => {
        if (value === undefined || !process.connected) return;
        process.send!({ kind: 'answer', id: message.id, number, value, of: 0 } satisfies Answer);
      });
  });
}

/** In the process that looks after them: hands questions to all, and answers to who asked. */
export class Relay {
  private readonly asked = new Set<Worker>();
  private readonly asking = new Map<string, { asker: Worker; of: number }>();

  /** One that serves by now, and so has something to tell. */
  add(worker: Worker): void {
    this.asked.add(worker);
  }

  remove(worker: Worker): void {
    this.asked.delete(worker);
  }

  hear(from: Worker, message: Question | Answer): void {
    if (message.kind === 'ask-all') this.ask(from, message);
    else if (message.kind === 'answer') this.answer(message);
  }

  private ask(asker: Worker, { id, topic }: Question): void {
    const asked = [...this.asked].filter((worker) => worker.isConnected());
    this.asking.set(id, { asker, of: asked.length });
    setTimeout(() => this.asking.delete(id), 2 * answerMillisecondsMax).unref();
    for (const worker of asked) worker.send({ kind: 'asked', id, topic } satisfies Question);
  }

  private answer(message: Answer): void {
    const question = this.asking.get(message.id);
    if (question?.asker.isConnected() !== true) return;
    question.asker.send({ ...message, kind: 'answered', of: question.of } satisfies Answer);
  }
}
