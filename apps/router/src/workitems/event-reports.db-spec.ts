import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { query, transaction } from '#libs/database';
import { newUid } from '#libs/dicom';
import { claimWorkitem } from '#libs/workitems';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { type RunningRouter, startRouter } from '../../../../test/support/router/start-router.js';
import { newWorkitem, NotificationConnection, UpsClient } from '../../../../test/support/ups.js';

const token = 'a-token-of-more-than-thirty-two-characters';
const authorized = { authorization: `Bearer ${token}` };

let db: TestDatabase;
/** Two processes' worth of routers on one database. */
let routers: RunningRouter[];
beforeAll(async () => {
  db = await createTestDatabase();
  routers = [
    await startRouter(db, { ISOCENTER_API_TOKEN: token }),
    await startRouter(db, { ISOCENTER_API_TOKEN: token }),
  ];
});
afterAll(async () => {
  for (const router of routers ?? []) await router.stop();
  await db.drop();
});

const urlOf = (router: RunningRouter, aet: string) =>
  `${router.url.replace('http', 'ws')}/dicom-web/subscribers/${aet}`;
const client = (router: RunningRouter) => new UpsClient(`${router.url}/dicom-web`, authorized);

async function created(router: RunningRouter): Promise<string> {
  const response = await client(router).create(newWorkitem());
  expect(response.status).toBe(201);
  return response.headers.get('location')!.split('/').at(-1)!;
}

it('tells a subscriber at one process what is done at another', async () => {
  const [here, there] = routers as [RunningRouter, RunningRouter];
  const connection = await NotificationConnection.open(urlOf(here, 'HERE'), authorized);
  const uid = await created(there);
  await client(there).request('POST', `/workitems/${uid}/subscribers/HERE`);
  await client(there).changeState(uid, 'IN PROGRESS', newUid());
  await connection.waitFor('the claim', ({ state }) => state === 'IN PROGRESS');
  expect(connection.states(uid)).toEqual(['SCHEDULED', 'IN PROGRESS']);
  connection.close();
});

it('tells what happened while the connection to the database was lost, and nothing twice', async () => {
  const [here] = routers as [RunningRouter, RunningRouter];
  const connection = await NotificationConnection.open(urlOf(here, 'GAP'), authorized);
  const uid = await created(here);
  await client(here).request('POST', `/workitems/${uid}/subscribers/GAP`);
  await connection.waitFor('the state', ({ workitemUid }) => workitemUid === uid);
  // In one statement with the loss, so that no listener can be back before.
  await transaction(db.dataSource, async (tx) => {
    await query(
      tx,
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where application_name = 'isocenter-listener' and datname = current_database()`,
    );
    await claimWorkitem(tx, uid, { transactionUid: newUid(), performer: 'P' });
  });
  await connection.waitFor('the claim', ({ workitemUid, state }) => workitemUid === uid && state === 'IN PROGRESS');
  expect(connection.states(uid)).toEqual(['SCHEDULED', 'IN PROGRESS']);
  connection.close();
});

it('connects nobody without the token, which may stand in a cookie', async () => {
  const [here] = routers as [RunningRouter, RunningRouter];
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { cookie: 'isocenter_token=wrong' }]) {
    await expect(NotificationConnection.open(urlOf(here, 'X'), headers)).rejects.toThrow();
  }
  const connection = await NotificationConnection.open(urlOf(here, 'X'), { cookie: `isocenter_token=${token}` });
  connection.close();
  const refused = await fetch(`${here.url}/dicom-web/subscribers/X`);
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  expect(
    (await fetch(`${here.url}/dicom-web/workitems/1.2.840.10008.5.1.4.34.5/subscribers/X`, { method: 'POST' })).status,
  ).toBe(401);
});

it('connects no page of another origin, unless it brings the token itself', async () => {
  const [here] = routers as [RunningRouter, RunningRouter];
  const cookie = `isocenter_token=${token}`;
  const origin = 'https://elsewhere.example';
  await expect(NotificationConnection.open(urlOf(here, 'X'), { cookie, origin })).rejects.toThrow();
  for (const headers of [
    { cookie, origin: here.url },
    { ...authorized, origin },
  ]) {
    (await NotificationConnection.open(urlOf(here, 'X'), headers)).close();
  }
});
