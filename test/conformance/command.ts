import { parseArgs } from 'node:util';
import { behaviours } from './behaviours/index.js';
import { ConformanceServer } from './conformance-server.js';
import { type Outcome, runBehaviours } from './run-behaviours.js';

const usage = `npm run conformance -- --base http://host:port/dicom-web [options]

Tries a DICOMweb server on what real clients depend on. It stores small made-up studies in it, under UIDs of their own,
and deletes them afterwards where the server lets it.

  --base URL          the service root
  --token TOKEN       sent as Authorization: Bearer; also tries that the server asks for it
  --only TEXT         only behaviours whose id begins so: search, json, frames, instances, rendered, store, workitems,
                      cross-cutting, or a whole id
  --search-limit N    the greatest number of results the server gives in one answer, to try what happens above it
  --origin ORIGIN     an origin that the server lets use it from a browser, to try that
  --json              results as JSON
  --failed            leave out what passed

Ends with 1 when a required behaviour fails, with 2 when it could not try.`;

/** @returns the exit status */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      base: { type: 'string' },
      token: { type: 'string' },
      only: { type: 'string' },
      'search-limit': { type: 'string' },
      origin: { type: 'string' },
      json: { type: 'boolean' },
      failed: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.base === undefined || values.help) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const chosen = behaviours.filter(({ id }) => id.startsWith(values.only ?? ''));
  if (chosen.length === 0) {
    process.stderr.write(`No behaviour begins with ${values.only}.\n`);
    return 2;
  }
  const server = new ConformanceServer({
    base: values.base,
    ...(values.token !== undefined && { token: values.token }),
    ...(values.origin !== undefined && { origin: values.origin }),
    ...(values['search-limit'] !== undefined && { searchLimit: Number(values['search-limit']) }),
  });
  const reached = await server.getJson('/studies?limit=1').catch((error: Error) => error.message);
  if (typeof reached === 'string') {
    process.stderr.write(`${values.base} does not answer:\n${reached}\n`);
    return 2;
  }
  const write = (outcome: Outcome) => {
    if (values.json || (values.failed && outcome.result === 'pass')) return;
    process.stdout.write(`${row(outcome)}\n`);
  };
  const outcomes = await runBehaviours(chosen, server, write);
  const left = await server.cleanUp();
  if (values.json) process.stdout.write(`${JSON.stringify(outcomes, undefined, 2)}\n`);
  else process.stdout.write(summary(outcomes));
  if (left > 0) process.stderr.write(`${left} made-up studies stay in the server: it does not delete them.\n`);
  return outcomes.some(({ result, level }) => result === 'fail' && level === 'required') ? 1 : 0;
}

function row({ id, level, result, why, name }: Outcome): string {
  const line = `${result.padEnd(7)}  ${level.padEnd(11)}  ${id.padEnd(40)}  ${name}`;
  return why === undefined ? line : `${line}\n${why.replace(/^/gm, '           ')}`;
}

function summary(outcomes: readonly Outcome[]): string {
  const lines = (['required', 'recommended'] as const).map((level) => {
    const some = outcomes.filter((outcome) => outcome.level === level);
    const count = (result: Outcome['result']) => some.filter((outcome) => outcome.result === result).length;
    return `${level.padEnd(11)}  ${count('pass')} pass, ${count('fail')} fail, ${count('skipped')} skipped`;
  });
  return `\n${lines.join('\n')}\n`;
}
