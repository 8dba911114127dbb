import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pino from 'pino';
import { LogLines } from './log-lines.js';

describe('lines of the log', () => {
  let written: string[];
  let logger: pino.Logger;
  const messages = () =>
    written.map((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { msg: string }).msg),
    );

  beforeEach(() => {
    jest.useFakeTimers();
    written = [];
    logger = pino({}, new LogLines({ write: (text) => void written.push(text) }));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('go out together after a tenth of a second, each once', () => {
    logger.info('one');
    logger.info('two');
    expect(written).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(messages()).toEqual([['one', 'two']]);
    logger.info('three');
    jest.advanceTimersByTime(1000);
    expect(messages()).toEqual([['one', 'two'], ['three']]);
  });

  it('go out at once with a warning, in order, from a child logger too', () => {
    logger.info('one');
    logger.child({ part: 'x' }).warn('two');
    expect(messages()).toEqual([['one', 'two']]);
  });

  it('do not wait where they are many', () => {
    for (let count = 0; count < 100; count += 1) logger.info('x'.repeat(1000));
    expect(written.length).toBeGreaterThan(3);
  });

  it('are not left behind by a process that exits', () => {
    const pinoUrl = import.meta.resolve('pino');
    const source = fileURLToPath(new URL('log-lines.ts', import.meta.url));
    const script = `
      import { standardOutput } from ${JSON.stringify(source)};
      import pino from ${JSON.stringify(pinoUrl)};
      const logger = pino({}, standardOutput());
      logger.info('first');
      logger.info('last');
      if (process.argv[1] === 'exit') process.exit(3);
    `;
    for (const how of ['exit', 'end']) {
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        [
          '--input-type=module',
          '--experimental-transform-types',
          '--disable-warning=ExperimentalWarning',
          '-e',
          script,
          how,
        ],
        { encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      expect(status).toBe(how === 'exit' ? 3 : 0);
      expect(stdout.trim().split('\n')).toEqual([
        expect.stringContaining('"first"'),
        expect.stringContaining('"last"'),
      ]);
    }
  });
});
