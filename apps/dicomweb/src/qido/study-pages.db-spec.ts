import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from '#libs/database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { parseQido } from '../wire/parse-qido.js';
import { parsed } from './parsed-page.fixture.js';
import { searchStudies as searchStudiesTexts } from './study-search.js';

const searchStudies = parsed(searchStudiesTexts);

jest.setTimeout(120_000);

let database: TestDatabase;
let db: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.dataSource;
});

afterAll(async () => {
  await database?.drop();
});

/** Few days, so that pages begin within them and end in others; and what senders write for dates. */
const dates = [
  '20240131',
  '20240201',
  '20240202',
  '20230615',
  '20241231',
  '2024',
  '2024.02.01',
  '202402011',
  'unknown',
];

type Runner = Pick<DataSource, 'query'>;

function changer(random: () => number) {
  const date = () => (random() < 0.15 ? null : dates[Math.floor(random() * dates.length)]!);
  const any = '(select study_key from study order by md5(study_key::text || $1) limit $2)';
  return {
    store: (on: Runner, count: number) =>
      on.query(
        `insert into study (study_instance_uid, study_date, attributes)
         select '2.25.' || (random() * 1e15)::bigint, d, '{}' from unnest($1::text[]) d`,
        [Array.from({ length: count }, date)],
      ),
    /** As a further instance of each does. */
    storeAgain: (on: Runner) =>
      on.query(
        `insert into study (study_instance_uid, study_date, attributes)
         select study_instance_uid, '19990101', '{}' from study where study_key in ${any}
             on conflict on constraint uq_study_instance_uid do update set number_of_instances = study.number_of_instances + 1`,
        [String(random()), 5],
      ),
    remove: (on: Runner, count: number) =>
      on.query(`delete from study where study_key in ${any}`, [String(random()), count]),
    /** Where nobody else can: what waits for another's row could wait in a circle. */
    correct: (on: Runner, count: number) =>
      on.query(`update study set study_date = $3 where study_key in ${any}`, [String(random()), count, date()]),
    fold: (on: Runner) => on.query('select fold_study_counts()'),
  };
}

async function keysInOrder(): Promise<string[]> {
  const rows: { uid: string }[] = await db.query(
    `select study_instance_uid as uid from study order by study_date desc nulls last, study_key desc`,
  );
  return rows.map(({ uid }) => uid);
}

async function page(parameters: string): Promise<{ uids: unknown[]; matches: number }> {
  const { results, matches } = await searchStudies(
    db,
    parseQido('study', parameters, 20),
    'http://pacs.example/dicom-web',
  );
  return { uids: results.map((result) => result['0020000D']?.Value?.[0]), matches };
}

/** As searches find what is far. */
async function farPage(offset: number, limit: number): Promise<string[]> {
  const rows: { uid: string }[] = await db.query(
    `select study_instance_uid as uid from study_page($1, $2) with ordinality as page (study_key, place)
       join study using (study_key) order by place`,
    [offset, limit],
  );
  return rows.map(({ uid }) => uid);
}

describe('pages of all studies', () => {
  it.each([1, 2, 3])('are those of the whole list, whatever was stored, deleted and corrected (%d)', async (seed) => {
    const random = seededRandom(seed);
    const { store, storeAgain, remove, correct, fold } = changer(random);
    for (let step = 0; step < 60; step++) {
      const unfinished = db.createQueryRunner();
      await unfinished.startTransaction();
      await store(unfinished, 3);
      const count = 1 + Math.floor(random() * 6);
      const choice = random();
      if (choice < 0.4) await store(db, count);
      else if (choice < 0.55) await remove(db, count);
      else if (choice < 0.7) await correct(db, count);
      else if (choice < 0.8) await storeAgain(db);
      else await fold(db);
      const uids = await keysInOrder();
      const offset = Math.floor(random() * (uids.length + 3));
      const limit = 1 + Math.floor(random() * 8);
      expect(await page(`limit=${limit}&offset=${offset}`)).toEqual({
        uids: uids.slice(offset, offset + limit),
        matches: expect.any(Number),
      });
      expect(await farPage(offset, limit)).toEqual(uids.slice(offset, offset + limit));
      if (random() < 0.5) await unfinished.commitTransaction();
      else await unfinished.rollbackTransaction();
      await unfinished.release();
    }
    const uids = await keysInOrder();
    // The server's own limit of 20 ends the list: then the client is told how many there are.
    expect(uids.length).toBeGreaterThan(20);
    expect(await page('')).toEqual({ uids: uids.slice(0, 20), matches: uids.length });
    for (let offset = 0; offset <= uids.length; offset++)
      expect(await farPage(offset, 2)).toEqual(uids.slice(offset, offset + 2));
  });

  it('are found when they are far', async () => {
    await db.query(
      `insert into study (study_instance_uid, study_date, attributes)
       select '2.25.9' || n, to_char(date '2001-01-01' + n % 3000, 'YYYYMMDD'), '{}' from generate_series(1, 4000) n`,
    );
    const uids = await keysInOrder();
    for (const offset of [1990, 2000, 2001, 2500, uids.length - 1, uids.length])
      expect((await page(`limit=3&offset=${offset}`)).uids).toEqual(uids.slice(offset, offset + 3));
    await db.query('delete from study');
  });

  it('are right at each moment while others store, delete, correct and fold', async () => {
    let isOver = false;
    const work = [11, 12, 13].map(async (seed) => {
      const random = seededRandom(seed);
      const { store, remove, fold } = changer(random);
      while (!isOver) {
        const choice = random();
        if (choice < 0.5) await store(db, 3);
        // One row at a time: of two that take several, each could wait for the other.
        else if (choice < 0.8) await remove(db, 1);
        else await fold(db);
      }
    });
    const random = seededRandom(14);
    for (let look = 0; look < 200; look++) {
      const [seen] = (await db.query(
        `select array(select study_page($1, 7)) as page,
                array(select study_key from study order by study_date desc nulls last, study_key desc
                      offset $1 limit 7) as expected`,
        [Math.floor(random() * 60)],
      )) as { page: string[]; expected: string[] }[];
      expect(seen!.page).toEqual(seen!.expected);
    }
    isOver = true;
    await Promise.all(work);
  });
});
