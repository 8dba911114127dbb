import pino from 'pino';

const heldCharactersMax = 16 * 1024;
const heldMilliseconds = 100;
const warn = pino.levels.values['warn']!;

/**
 * Lines on their way out, several by one write: a write for each request was an eighth of what a small answer costs.
 * They wait a tenth of a second at most, warnings and worse not at all, and none is left behind by a process that exits.
 */
export class LogLines {
  /** Of the line that comes next, which pino writes here. */
  lastLevel = 0;
  private held = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly out: { write(text: string): void }) {
    // Pino asks for this before it tells levels.
    Object.assign(this, { [Symbol.for('pino.metadata')]: true });
  }

  write(line: string): void {
    this.held += line;
    if (this.lastLevel >= warn || this.held.length >= heldCharactersMax) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), heldMilliseconds).unref();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.held === '') return;
    const text = this.held;
    this.held = '';
    this.out.write(text);
  }
}

let lines: LogLines | undefined;

/** The process's own, for however many loggers. */
export function standardOutput(): LogLines {
  if (lines === undefined) {
    const all = new LogLines(pino.destination(1));
    // Before pino's own listeners, which write down what they have by then.
    process.prependListener('beforeExit', () => all.flush());
    process.prependListener('exit', () => all.flush());
    lines = all;
  }
  return lines;
}
