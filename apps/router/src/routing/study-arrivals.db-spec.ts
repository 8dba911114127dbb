import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { query, transaction } from '#libs/database';
import { announceArrivals } from '#libs/jobs';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { chestCt, insertStudy, waitingArrivals } from '../../../../test/support/router/insert-study.js';
import { type RunningRouter, startRouter } from '../../../../test/support/router/start-router.js';

let db: TestDatabase;
let router: RunningRouter;
beforeAll(async () => {
  db = await createTestDatabase();
  router = await startRouter(db, { ISOCENTER_QUIET_PERIOD_SECONDS: '1' });
}, 60_000);
afterAll(async () => {
  await router?.stop();
  await db.drop();
});

/** Waits for rows, for as long as the test may take. */
async function eventually<Row>(sql: string, parameters: unknown[]): Promise<Row[]> {
  for (;;) {
    const rows = await query<Row>(db.dataSource, sql, parameters);
    if (rows.length > 0) return rows;
    await sleep(50);
  }
}

it('lists a study that cannot be routed, tries it again later, and leaves the others alone', async () => {
  const whole = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 3600 }] });
  const broken = await insertStudy(db.dataSource, { series: [{ ...chestCt, secondsAgo: 3600 }] });
  // The database refuses what routing decides of this one study.
  await query(
    db.dataSource,
    `create function refuse_one() returns trigger language plpgsql as $$
       begin
         if exists (select from study where study_key = new.study_key and study_instance_uid = '${broken}')
            and new.routed_input is not null then raise 'refused'; end if;
         return new;
       end $$`,
  );
  await query(
    db.dataSource,
    'create trigger tg_refuse before insert or update on study_routing for each row execute function refuse_one()',
  );

  await transaction(db.dataSource, (tx) => announceArrivals(tx, [whole, broken]));
  await eventually(
    `select 1 from study_routing join study using (study_key) where study_instance_uid = $1 and routed_input is not null`,
    [whole],
  );
  await eventually(
    `select 1 from study_arrival join study using (study_key)
      where study_instance_uid = $1 and attempts > 0 and look_at > now()`,
    [broken],
  );
  await eventually(
    `select 1 from workitem join study using (study_key) where study_instance_uid = $1 and kind = 'reading'`,
    [broken],
  );

  await query(db.dataSource, 'drop trigger tg_refuse on study_routing');
  await eventually(
    `select 1 from study_routing join study using (study_key) where study_instance_uid = $1 and routed_input is not null`,
    [broken],
  );
  expect(await waitingArrivals(db.dataSource)).toEqual([]);
}, 120_000);
