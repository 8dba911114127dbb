import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DataSource, query } from '#libs/database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { fillWorklist } from '../../../../test/support/router/fill-worklist.js';
import { countWorklist, findWorklist, type WorklistFilter, type WorklistPlace } from './find-worklist.js';

/** `WORKLIST_STUDIES=100000` to see the times of a list of that size beside those of one of a hundredth. */
const studies = Number(process.env['WORKLIST_STUDIES'] ?? 6_000);
const few = studies / (studies > 50_000 ? 100 : 10);
const isMeasured = process.env['WORKLIST_STUDIES'] !== undefined;
const limit = 50;
const open: WorklistFilter = { state: ['SCHEDULED', 'IN PROGRESS'] };

const questions: [string, WorklistFilter][] = [
  ['the first page', open],
  ['of a specialty', { ...open, specialty: ['radiology'] }],
  ['of a modality', { ...open, modality: ['CT'] }],
  ['of a body part', { ...open, bodyPart: ['CHEST'] }],
  ['what AI says', { ...open, ai: ['positive'] }],
  ['a specialty and what AI says', { ...open, specialty: ['cardiology'], ai: ['negative'] }],
  ['mine', { ...open, performer: ['Dr. 10'] }],
  ['by priority', { ...open, priority: ['LOW'] }],
];

let small: TestDatabase;
let large: TestDatabase;
beforeAll(async () => {
  [small, large] = [await createTestDatabase(), await createTestDatabase()];
  await fillWorklist(small.dataSource, few);
  await fillWorklist(large.dataSource, studies);
}, 600_000);
afterAll(async () => {
  await small?.drop();
  await large?.drop();
});

/** Blocks that the statements of a page touch, whether from disk or memory. */
async function blocks(dataSource: DataSource, filter: WorklistFilter, after?: WorklistPlace): Promise<number> {
  return dataSource.transaction(async (tx) => {
    let touched = 0;
    const explaining = {
      query: async (sql: string, parameters: unknown[]) => {
        const [row] = await query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
          tx,
          `explain (analyze, buffers, format json) ${sql}`,
          parameters,
        );
        const { Plan: plan } = row!['QUERY PLAN'][0];
        touched += plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
        return [];
      },
    } as unknown as DataSource;
    await findWorklist(explaining, filter, { limit, after });
    await countWorklist(explaining, filter);
    return touched;
  });
}

async function milliseconds(dataSource: DataSource, filter: WorklistFilter, after?: WorklistPlace): Promise<number> {
  const started = performance.now();
  await findWorklist(dataSource, filter, { limit, after });
  await countWorklist(dataSource, filter);
  return performance.now() - started;
}

/** Side by side, in turns. */
async function measure(filter: WorklistFilter): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < 60; round++) {
    times[0].push(await milliseconds(small.dataSource, filter));
    times[1].push(await milliseconds(large.dataSource, filter));
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  return [median(times[0]), median(times[1])];
}

describe(`a page of ${studies} open studies beside one of ${few}`, () => {
  it.each(questions)('costs no more: %s', async (name, filter) => {
    const [least, most] = [await blocks(small.dataSource, filter), await blocks(large.dataSource, filter)];
    if (isMeasured) {
      const [fast, slow] = await measure(filter);
      const ratio = (slow / fast).toFixed(2);
      console.log(`${name}: ${fast.toFixed(2)} ms, ${slow.toFixed(2)} ms (x ${ratio}); ${least}, ${most} blocks`);
    }
    // Of ten or a hundred times as many studies: a list that is scanned touches as many times the blocks. That more of
    // them are counted, up to a thousand, and that indexes are a level deeper is what the rest is for.
    expect(most).toBeLessThan(least * 2.5 + 250);
  });

  it('costs no more for the thousandth page than for the first', async () => {
    const [row] = await query<WorklistPlace>(
      large.dataSource,
      `select rank, place, workitem_key as "workitemKey" from worklist_entry where rank < 3
        order by rank, place, workitem_key offset $1 limit 1`,
      [Math.floor(studies * 0.9)],
    );
    expect(await blocks(large.dataSource, open, row!)).toBeLessThan((await blocks(large.dataSource, open)) * 1.5 + 50);
  });

  it('finds the few of a rare modality without going through all', async () => {
    const rare = { ...open, modality: ['XC'] };
    const found = await findWorklist(large.dataSource, rare, { limit });
    expect(found.items).toHaveLength(Math.min(limit, Math.floor(studies / 1000)));
    if (isMeasured) console.log(`a rare modality: ${(await milliseconds(large.dataSource, rare)).toFixed(2)} ms`);
  });
});
