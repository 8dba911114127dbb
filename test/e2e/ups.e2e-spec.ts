import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, newUid, readNativeDicomXml, toNativeDicomXml } from '#libs/dicom';
import { makeInstance } from '../support/make-instance.js';
import { type RunningSuite, startShape } from '../support/start-shape.js';
import { waitFor } from '../support/start-suite.js';
import { newWorkitem, NotificationConnection, performedStep, UpsClient } from '../support/ups.js';
import { getWorklist } from '../support/worklist.js';
import { store } from './wado-support.js';

jest.setTimeout(300_000);

const allWorkitems = '1.2.840.10008.5.1.4.34.5';
const matchingWorkitems = '1.2.840.10008.5.1.4.34.5.1';

let suite: RunningSuite;
let root: string;
let ups: UpsClient;
beforeAll(async () => {
  suite = await startShape('one process');
  root = `${suite.url}/dicom-web`;
  ups = new UpsClient(root);
});
afterAll(() => suite?.remove());

const created = async (changes: DicomJson = {}): Promise<string> => {
  const response = await ups.create(newWorkitem(changes));
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return response.headers.get('location')!.split('/').at(-1)!;
};

const claimed = async (uid: string): Promise<string> => {
  const transactionUid = newUid();
  expect((await ups.changeState(uid, 'IN PROGRESS', transactionUid)).status).toBe(200);
  return transactionUid;
};

const connect = (aet: string) => NotificationConnection.open(`${root.replace('http', 'ws')}/subscribers/${aet}`);
const subscribe = (resource: string, aet: string, query = '') =>
  ups.request('POST', `/workitems/${resource}/subscribers/${aet}${query}`);

async function problemOf(response: Response): Promise<{ detail: string; problems?: string[]; refused?: string[] }> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as never;
}

describe('creating', () => {
  it('answers 201 with where the workitem is, and gives it back with the attributes it must have', async () => {
    const uid = newUid();
    const response = await ups.create(
      newWorkitem({ '00404011': { vr: 'DT', Value: ['20260131100000+0100'] } }),
      `?${uid}`,
    );
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe(`${root}/workitems/${uid}`);
    // Type 2 attributes the sender left out were put there, empty.
    expect(response.headers.get('warning')).toBe(`299 ${root}: The Workitem was created with modifications.`);
    expect(await ups.retrieve(uid)).toMatchObject({
      '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.34.6.1'] },
      '00080018': { vr: 'UI', Value: [uid] },
      '00100010': { vr: 'PN' },
      '00404011': { vr: 'DT', Value: ['20260131090000.000000+0000'] },
      '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
      '00741202': { vr: 'LO', Value: ['OTHER'] },
      '00741216': { vr: 'SQ' },
    });
  });

  it.each(['?workitem=', '?uid=', '?AffectedSOPInstanceUID='])('takes the UID as %s too', async (name) => {
    const uid = newUid();
    const response = await ups.create(newWorkitem(), `${name}${uid}`);
    expect(response.headers.get('location')).toBe(`${root}/workitems/${uid}`);
  });

  it('takes the UID of the dataset, or makes one', async () => {
    const uid = newUid();
    const named = await ups.create(newWorkitem({ '00080018': { vr: 'UI', Value: [uid] } }));
    expect(named.headers.get('location')).toBe(`${root}/workitems/${uid}`);
    const unnamed = await ups.create(newWorkitem());
    expect(unnamed.headers.get('location')).toMatch(/\/workitems\/2\.25\.\d+$/);
    const twoNames = await ups.create(newWorkitem({ '00080018': { vr: 'UI', Value: [uid] } }), '?1.2.3');
    expect(twoNames.status).toBe(400);
  });

  it('answers 409 to the same UID again', async () => {
    const uid = await created();
    const again = await ups.create(newWorkitem(), `?${uid}`);
    expect(again.status).toBe(409);
    expect((await problemOf(again)).detail).toContain(uid);
  });

  it.each<[string, DicomJson, string]>([
    ['without a priority', { '00741200': { vr: 'CS' } }, 'ScheduledProcedureStepPriority (0074,1200) is missing'],
    ['without a state', { '00741000': { vr: 'CS' } }, 'ProcedureStepState (0074,1000) is missing'],
    ['in another state', { '00741000': { vr: 'CS', Value: ['IN PROGRESS'] } }, 'is SCHEDULED when a workitem is made'],
    ['with a Transaction UID', { '00081195': { vr: 'UI', Value: ['1.2.3'] } }, 'TransactionUID (0008,1195)'],
    ['with another priority', { '00741200': { vr: 'CS', Value: ['SOON'] } }, 'HIGH, MEDIUM, LOW, not "SOON"'],
    ['with a start that is none', { '00404005': { vr: 'DT', Value: ['today'] } }, 'not "today"'],
    ['already performed', performedStep(), 'UnifiedProcedureStepPerformedProcedureSequence (0074,1216)'],
    ['with a code that is none', { '00404018': { vr: 'SQ', Value: [{}] } }, 'Item 1 of ScheduledWorkitemCodeSequence'],
    [
      'of another SOP Class',
      { '00080016': { vr: 'UI', Value: ['1.2.840.10008.1.1'] } },
      'Unified Procedure Step - Push',
    ],
    ['with a NUL in a text', { '00741204': { vr: 'LO', Value: ['a\0b'] } }, '00741204'],
  ])('refuses a workitem %s and says which attribute it is', async (_what, changes, says) => {
    const response = await ups.create(newWorkitem(changes));
    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toContain(says);
  });

  it.each([
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['two datasets', '[{},{}]', 400],
    ['no dataset', '"x"', 400],
    ['no tags', '{"PatientName":{"vr":"PN"}}', 400],
  ])('refuses a body that is %s', async (_what, body, status) => {
    expect((await ups.request('POST', '/workitems', body)).status).toBe(status);
  });

  it('refuses a media type it cannot read', async () => {
    const response = await ups.request('POST', '/workitems', 'x', { 'content-type': 'text/plain' });
    expect(response.status).toBe(415);
    expect((await problemOf(response)).detail).toContain('application/dicom+json');
  });

  it('takes and gives XML', async () => {
    const xml = toNativeDicomXml(newWorkitem({ '00100020': { vr: 'LO', Value: ['XML-1'] } }));
    const response = await ups.request('POST', '/workitems', xml, { 'content-type': 'application/dicom+xml' });
    expect(response.status).toBe(201);
    const one = await fetch(response.headers.get('location')!, { headers: { accept: 'application/dicom+xml' } });
    expect(one.headers.get('content-type')).toBe('application/dicom+xml');
    expect(readNativeDicomXml(await one.text())).toMatchObject({ '00741204': { Value: ['Segment the liver'] } });
    const found = await ups.request('GET', '/workitems?PatientID=XML-1', undefined, {
      accept: 'multipart/related; type="application/dicom+xml"',
    });
    expect(found.headers.get('content-type')).toMatch(/^multipart\/related; type="application\/dicom\+xml"; boundary=/);
    expect(await found.text()).toContain('<Value number="1">XML-1</Value>');
    expect((await ups.request('GET', '/workitems', undefined, { accept: 'image/png' })).status).toBe(406);
  });

  it('answers 404 for a workitem that is not there', async () => {
    for (const response of [
      await ups.request('GET', '/workitems/1.2.3'),
      await ups.update('1.2.3', { '00400400': { vr: 'LT', Value: ['x'] } }),
      await ups.changeState('1.2.3', 'IN PROGRESS', '1.2'),
      await ups.request('POST', '/workitems/1.2.3/cancelrequest'),
      await subscribe('1.2.3', 'WATCHER'),
    ]) {
      expect(response.status).toBe(404);
      await problemOf(response);
    }
  });
});

describe('searching', () => {
  it('matches any attribute, in sequences too, and times as ranges', async () => {
    const station = newUid().slice(-12);
    const uid = await created({
      '00100010': { vr: 'PN', Value: [{ Alphabetic: `Search^${station}` }] },
      '00404005': { vr: 'DT', Value: ['20250515120000+0200'] },
      '00404025': {
        vr: 'SQ',
        Value: [{ '00080100': { vr: 'SH', Value: [station] }, '00080104': { vr: 'LO', Value: ['Station'] } }],
      },
    });
    const byStation = `ScheduledStationNameCodeSequence.CodeValue=${station}`;
    const uidsOf = async (query: string) => (await ups.search(query)).map((item) => item['00080018']!.Value![0]);
    for (const query of [
      byStation,
      `00404025.00080100=${station}`,
      `PatientName=search*${station}`,
      `${byStation}&ScheduledProcedureStepStartDateTime=20250515-20250516`,
      `${byStation}&00404005=202505151000%2B0000`,
      `${byStation}&00404005=-20250515`,
      `${byStation}&ScheduledProcedureStepModificationDateTime=20260101-`,
      `SOPInstanceUID=${uid}&limit=1`,
    ]) {
      expect([query, await uidsOf(query)]).toEqual([query, [uid]]);
    }
    for (const query of [
      `${byStation}&00404005=20250516-`,
      `${byStation}&00741000=COMPLETED`,
      `${byStation}&offset=1`,
    ]) {
      expect([query, await uidsOf(query)]).toEqual([query, []]);
    }
  });

  it('wants one item of a sequence to fit all that is asked of it', async () => {
    const mark = newUid().slice(-12);
    const code = (value: string, scheme: string) => ({
      '00080100': { vr: 'SH', Value: [value] },
      '00080102': { vr: 'SH', Value: [scheme] },
      '00080104': { vr: 'LO', Value: ['Station'] },
    });
    const uid = await created({ '00404025': { vr: 'SQ', Value: [code(mark, '99A'), code('OTHER', '99B')] } });
    const key = 'ScheduledStationNameCodeSequence';
    const uidsOf = async (query: string) => (await ups.search(query)).map((item) => item['00080018']!.Value![0]);
    expect(await uidsOf(`${key}.CodeValue=${mark}&${key}.CodingSchemeDesignator=99A`)).toEqual([uid]);
    expect(await uidsOf(`${key}.CodeValue=${mark}&${key}.CodingSchemeDesignator=99B`)).toEqual([]);
  });

  it.each(['TransactionUID=1.2', 'Nonsense=1', '00404005=tomorrow', 'limit=0'])('answers 400 to %s', async (query) => {
    expect((await ups.request('GET', `/workitems?${query}`)).status).toBe(400);
  });

  it('says that it does not match fuzzily', async () => {
    const response = await ups.request('GET', '/workitems?fuzzymatching=true');
    expect(response.headers.get('warning')).toBe(
      `299 ${root}: The fuzzymatching parameter is not supported. Only literal matching has been performed.`,
    );
  });
});

describe('performing', () => {
  it('goes from SCHEDULED over IN PROGRESS to COMPLETED, and never shows the Transaction UID', async () => {
    const uid = await created();
    const transactionUid = await claimed(uid);
    const dataset = {
      ...performedStep(),
      '00741002': { vr: 'SQ', Value: [{ '00741004': { vr: 'DS', Value: [50] } }] },
    };
    expect((await ups.update(uid, dataset, `?transaction-uid=${transactionUid}`)).status).toBe(200);
    expect((await ups.changeState(uid, 'COMPLETED', transactionUid)).status).toBe(200);
    const done = await ups.retrieve(uid);
    expect(done).toMatchObject({ '00741000': { Value: ['COMPLETED'] }, '00741216': { Value: [expect.anything()] } });
    expect(JSON.stringify([done, await ups.search(`SOPInstanceUID=${uid}`)])).not.toContain(transactionUid);
    // Once more: a warning, as the answer to the first request may have been lost.
    const again = await ups.changeState(uid, 'COMPLETED', transactionUid);
    expect(again.status).toBe(200);
    expect(again.headers.get('warning')).toBe(`299 ${root}: The UPS is already in the requested state of COMPLETED.`);
    expect((await ups.changeState(uid, 'CANCELED', transactionUid)).status).toBe(409);
  });

  it('is for one of many who claim at once', async () => {
    const uid = await created();
    const claims = await Promise.all(Array.from({ length: 8 }, () => ups.changeState(uid, 'IN PROGRESS', newUid())));
    expect(claims.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  });

  it.each(['Transaction-uid', 'transaction-uid', 'transaction', 'TransactionUID'])(
    'takes the Transaction UID of an update as ?%s=',
    async (name) => {
      const uid = await created();
      const transactionUid = await claimed(uid);
      const comment = { '00400400': { vr: 'LT', Value: [name] } };
      expect((await ups.update(uid, comment, `?${name}=${transactionUid}`)).status).toBe(200);
      expect((await ups.retrieve(uid))['00400400']).toEqual(comment['00400400']);
    },
  );

  it('takes it from the dataset too, where dcm4chee has it', async () => {
    const uid = await created();
    const transactionUid = await claimed(uid);
    const dataset = { '00400400': { vr: 'LT', Value: ['x'] }, '00081195': { vr: 'UI', Value: [transactionUid] } };
    expect((await ups.update(uid, dataset)).status).toBe(200);
    expect(await ups.retrieve(uid)).not.toHaveProperty('00081195');
  });

  it('refuses a Transaction UID that is missing or wrong', async () => {
    const uid = await created();
    const comment = { '00400400': { vr: 'LT', Value: ['x'] } };
    const missing = await ups.changeState(uid, 'IN PROGRESS', undefined);
    expect([missing.status, missing.headers.get('warning')]).toEqual([
      400,
      `299 ${root}: The Transaction UID is missing.`,
    ]);
    // Nobody holds it: there is nothing to update under a Transaction UID.
    expect((await ups.update(uid, comment, '?transaction-uid=1.2.3')).status).toBe(409);
    await claimed(uid);
    expect((await ups.update(uid, comment)).status).toBe(400);
    const wrong = await ups.update(uid, comment, '?transaction-uid=1.2.3');
    expect([wrong.status, wrong.headers.get('warning')]).toEqual([
      409,
      `299 ${root}: The target URI did not reference a claimed Workitem.`,
    ]);
    const ending = await ups.changeState(uid, 'COMPLETED', '1.2.3');
    expect([ending.status, ending.headers.get('warning')]).toEqual([
      409,
      `299 ${root}: The Transaction UID is incorrect.`,
    ]);
  });

  it('refuses states out of order', async () => {
    const uid = await created();
    for (const state of ['COMPLETED', 'CANCELED']) {
      const response = await ups.changeState(uid, state, newUid());
      expect([response.status, response.headers.get('warning')]).toEqual([
        409,
        `299 ${root}: The submitted request is inconsistent with the state of the UPS Instance.`,
      ]);
    }
    expect((await ups.changeState(uid, 'SCHEDULED', newUid())).status).toBe(400);
    const transactionUid = await claimed(uid);
    expect((await ups.changeState(uid, 'IN PROGRESS', transactionUid)).status).toBe(409);
    expect((await ups.changeState(uid, 'CANCELED', transactionUid)).status).toBe(200);
    expect((await ups.changeState(uid, 'IN PROGRESS', newUid())).status).toBe(409);
    expect((await ups.update(uid, performedStep(), `?transaction-uid=${transactionUid}`)).status).toBe(409);
  });

  it('is COMPLETED only when it says what was done', async () => {
    const uid = await created();
    const transactionUid = await claimed(uid);
    const early = await ups.changeState(uid, 'COMPLETED', transactionUid);
    expect(early.status).toBe(409);
    expect((await problemOf(early)).problems).toEqual([
      'UnifiedProcedureStepPerformedProcedureSequence (0074,1216) is missing.',
    ]);
    const half = { '00741216': { vr: 'SQ', Value: [{ '00404050': { vr: 'DT', Value: ['20260131'] } }] } };
    await ups.update(uid, half, `?transaction-uid=${transactionUid}`);
    const stillEarly = await problemOf(await ups.changeState(uid, 'COMPLETED', transactionUid));
    expect(stillEarly.problems).toContainEqual(
      expect.stringContaining('PerformedProcedureStepEndDateTime (0040,4051)'),
    );
    expect((await ups.retrieve(uid))['00741000']?.Value).toEqual(['IN PROGRESS']);
  });

  it('says when it was canceled, and why its performer did', async () => {
    const uid = await created();
    const transactionUid = await claimed(uid);
    const progress = { '00741002': { vr: 'SQ', Value: [{ '00741238': { vr: 'LT', Value: ['Tube failed'] } }] } };
    await ups.update(uid, progress, `?transaction-uid=${transactionUid}`);
    await ups.changeState(uid, 'CANCELED', transactionUid);
    const [said] = (await ups.retrieve(uid))['00741002']!.Value as DicomJson[];
    expect(said).toMatchObject({ '00741238': { Value: ['Tube failed'] }, '0074100E': { Value: [expect.anything()] } });
    expect(said!['00404052']?.Value?.[0]).toMatch(/^\d{14}/);
  });

  it('refuses changes of what the workitem is, and names the attributes', async () => {
    const uid = await created();
    const response = await ups.update(uid, {
      '00100020': { vr: 'LO', Value: ['OTHER'] },
      '00741000': { vr: 'CS', Value: ['COMPLETED'] },
      '00741204': { vr: 'LO', Value: ['Fine'] },
    });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).refused?.sort()).toEqual(['00100020', '00741000']);
    expect((await ups.retrieve(uid))['00741204']?.Value).toEqual(['Segment the liver']);
  });
});

describe('asking to cancel', () => {
  it('cancels what nobody has claimed, for the reason given', async () => {
    const uid = await created();
    const body = { '00741238': { vr: 'LT', Value: ['Patient went home'] } };
    expect((await ups.request('POST', `/workitems/${uid}/cancelrequest/WARD`, body)).status).toBe(202);
    expect(await ups.retrieve(uid)).toMatchObject({
      '00741000': { Value: ['CANCELED'] },
      '00741002': { Value: [{ '00741238': { Value: ['Patient went home'] } }] },
    });
    // Without a body, but with its media type.
    const json = { 'content-type': 'application/dicom+json' };
    const again = await ups.request('POST', `/workitems/${uid}/cancelrequest`, undefined, json);
    expect(again.status).toBe(202);
    expect(again.headers.get('warning')).toBe(`299 ${root}: The UPS is already in the requested state of CANCELED.`);
  });

  it('tells the performer, who decides', async () => {
    const performer = await connect('PERFORMER');
    const uid = await created();
    await claimed(uid);
    const unheard = await ups.request('POST', `/workitems/${uid}/cancelrequest`);
    expect([unheard.status, unheard.headers.get('warning')]).toEqual([
      409,
      `299 ${root}: The performer cannot be contacted.`,
    ]);
    expect((await subscribe(uid, 'PERFORMER')).status).toBe(201);
    const body = { '00741238': { vr: 'LT', Value: ['Stop'] }, '0074100C': { vr: 'LO', Value: ['Dr. Who'] } };
    expect((await ups.request('POST', `/workitems/${uid}/cancelrequest/WARD`, body)).status).toBe(202);
    const asked = await performer.waitFor('the request', ({ type, workitemUid }) => type === 2 && workitemUid === uid);
    expect(asked.dataset).toMatchObject({
      '00741236': { vr: 'AE', Value: ['WARD'] },
      '00741238': { Value: ['Stop'] },
      '0074100C': { Value: ['Dr. Who'] },
    });
    expect((await ups.retrieve(uid))['00741000']?.Value).toEqual(['IN PROGRESS']);
    performer.close();
  });

  it('answers 409 for what is COMPLETED', async () => {
    const uid = await created();
    const transactionUid = await claimed(uid);
    await ups.update(uid, performedStep(), `?transaction-uid=${transactionUid}`);
    await ups.changeState(uid, 'COMPLETED', transactionUid);
    const response = await ups.request('POST', `/workitems/${uid}/cancelrequest`);
    expect([response.status, response.headers.get('warning')]).toEqual([
      409,
      `299 ${root}: The UPS is already COMPLETED.`,
    ]);
  });
});

describe('subscribing', () => {
  it('says where events come from, and reports the state at once', async () => {
    const uid = await created();
    const watcher = await connect('ONE');
    const response = await subscribe(uid, 'ONE', '?deletionlock=true');
    expect(response.status).toBe(201);
    expect(response.headers.get('content-location')).toBe(`${root.replace('http', 'ws')}/subscribers/ONE`);
    const first = await watcher.waitFor('the state', ({ workitemUid }) => workitemUid === uid);
    expect(first.dataset).toEqual({
      '00000002': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.34.6.1'] },
      '00000100': { vr: 'US', Value: [256] },
      '00000110': { vr: 'US', Value: [1] },
      '00000800': { vr: 'US', Value: [0] },
      '00001000': { vr: 'UI', Value: [uid] },
      '00001002': { vr: 'US', Value: [1] },
      '00404041': { vr: 'CS', Value: ['READY'] },
      '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
    });
    watcher.close();
  });

  it('reports all that happens to a workitem, in order, to each who asked and to nobody else', async () => {
    const uid = await created();
    const other = await created();
    const [one, two, stranger] = [await connect('TWINS'), await connect('TWINS'), await connect('STRANGER')];
    await subscribe(uid, 'TWINS');
    const transactionUid = await claimed(uid);
    await claimed(other);
    for (const percent of [10, 20, 30]) {
      const progress = { '00741002': { vr: 'SQ', Value: [{ '00741004': { vr: 'DS', Value: [percent] } }] } };
      await ups.update(uid, progress, `?transaction-uid=${transactionUid}`);
    }
    const human = { '00404009': { vr: 'SQ', Value: [{ '00080104': { vr: 'LO', Value: ['Dr. No'] } }] } };
    await ups.update(uid, { '00404034': { vr: 'SQ', Value: [human] } }, `?transaction-uid=${transactionUid}`);
    await ups.update(uid, performedStep(), `?transaction-uid=${transactionUid}`);
    await ups.changeState(uid, 'COMPLETED', transactionUid);
    for (const connection of [one, two]) {
      await connection.waitFor('the end', ({ state }) => state === 'COMPLETED');
      expect(connection.heard.map(({ type, state }) => state ?? type)).toEqual([
        'SCHEDULED',
        'IN PROGRESS',
        3,
        3,
        3,
        5,
        'COMPLETED',
      ]);
      expect(connection.heard.map(({ messageId }) => messageId)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(connection.heard.every(({ workitemUid }) => workitemUid === uid)).toBe(true);
    }
    const percents = one.heard.map(({ dataset }) => dataset['00741002']?.Value?.[0] as DicomJson | undefined);
    expect(percents.filter(Boolean).map((item) => item!['00741004']?.Value?.[0])).toEqual([10, 20, 30]);
    expect(stranger.heard).toEqual([]);
    for (const connection of [one, two, stranger]) connection.close();
  });

  it('to all covers what comes; one can be left out, and all be suspended and ended', async () => {
    const before = await created();
    const watcher = await connect('EVERY');
    expect((await subscribe(allWorkitems, 'EVERY', '?deletionlock=true')).status).toBe(201);
    // With a deletion lock, the states of what there is are reported.
    await watcher.waitFor('the state of an older one', ({ workitemUid }) => workitemUid === before);
    const after = await created();
    await watcher.waitFor('a new one', ({ workitemUid, state }) => workitemUid === after && state === 'SCHEDULED');

    const without = await created();
    expect((await ups.request('DELETE', `/workitems/${without}/subscribers/EVERY`)).status).toBe(200);
    expect((await ups.request('DELETE', `/workitems/${without}/subscribers/EVERY`)).status).toBe(404);
    await claimed(without);
    expect((await ups.request('POST', `/workitems/${allWorkitems}/subscribers/EVERY/suspend`)).status).toBe(200);
    const late = await created();
    await claimed(late);
    await claimed(after);
    await watcher.waitFor(
      'the older one',
      ({ workitemUid, state }) => workitemUid === after && state === 'IN PROGRESS',
    );
    expect(watcher.states(without)).toEqual(['SCHEDULED']);
    expect(watcher.states(late)).toEqual([]);

    expect((await ups.request('DELETE', `/workitems/${allWorkitems}/subscribers/EVERY`)).status).toBe(200);
    expect((await ups.request('DELETE', `/workitems/${allWorkitems}/subscribers/EVERY`)).status).toBe(404);
    expect((await ups.request('POST', `/workitems/${allWorkitems}/subscribers/EVERY/suspend`)).status).toBe(404);
    watcher.close();
  });

  it('by filter covers what fits when it is made, whatever it becomes', async () => {
    const label = (text: string): DicomJson => ({ '00741204': { vr: 'LO', Value: [text] } });
    const existing = await created(label('Filter me'));
    const watcher = await connect('FILTER');
    const query = '?deletionlock=true&filter=ProcedureStepLabel=Filter*,ProcedureStepState=SCHEDULED';
    expect((await subscribe(matchingWorkitems, 'FILTER', query)).status).toBe(201);
    await watcher.waitFor('the state of an older one', ({ workitemUid }) => workitemUid === existing);
    const [fits, differs] = [await created(label('Filter me too')), await created(label('Not me'))];
    await claimed(differs);
    await claimed(fits);
    await watcher.waitFor('its claim', ({ workitemUid, state }) => workitemUid === fits && state === 'IN PROGRESS');
    expect(watcher.states(fits)).toEqual(['SCHEDULED', 'IN PROGRESS']);
    expect(watcher.of(differs)).toEqual([]);
    expect((await ups.request('DELETE', `/workitems/${matchingWorkitems}/subscribers/FILTER`)).status).toBe(200);
    watcher.close();
  });

  it('refuses what cannot be subscribed to', async () => {
    const unsupported = await subscribe(matchingWorkitems, 'X', '?filter=TransactionUID=1.2');
    expect([unsupported.status, unsupported.headers.get('warning')]).toEqual([
      403,
      `299 ${root}: Filtered Worklist Subscriptions are not supported.`,
    ]);
    for (const [resource, aet, query] of [
      [matchingWorkitems, 'X', ''],
      [allWorkitems, 'X', '?PatientID=1'],
      [allWorkitems, 'X', '?deletionlock=maybe'],
      [allWorkitems, 'MORE-THAN-16-CHARACTERS', ''],
      [allWorkitems, 'A%5CB', ''],
    ] as const) {
      expect([resource, aet, query, (await subscribe(resource, aet, query)).status]).toEqual([
        resource,
        aet,
        query,
        400,
      ]);
    }
  });

  it('serves connections only: a plain request is told so, and pages of other origins are refused', async () => {
    const plain = await ups.request('GET', '/subscribers/ONE');
    expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket']);
    await problemOf(plain);
    const foreign = await ups.request('GET', '/subscribers/ONE', undefined, { origin: 'https://elsewhere.example' });
    expect(foreign.status).toBe(403);
  });
});

describe('workitems of the suite itself', () => {
  it('are reported like any other, and claimed in the console or over UPS-RS alike', async () => {
    const watcher = await connect('SUITE');
    await subscribe(allWorkitems, 'SUITE');
    const patientId = `UPS-${Date.now()}`;
    await store(suite.dicomweb, [makeInstance({ patientId, modality: 'MR', studyInstanceUid: newUid() })]);
    const item = await waitFor('the study on the worklist', async () =>
      (await getWorklist(suite.url)).find((one) => one.patientId === patientId),
    );
    const uid = item.workitemUid;
    await watcher.waitFor('the reading task', ({ workitemUid, state }) => workitemUid === uid && state === 'SCHEDULED');
    const inConsole = (action: string) =>
      fetch(`${suite.url}/api/worklist/${uid}/${action}`, { method: 'POST', headers: { 'x-reader': 'Dr. Jane' } });

    expect((await inConsole('claim')).status).toBe(200);
    expect((await ups.changeState(uid, 'IN PROGRESS', newUid())).status).toBe(409);
    expect((await inConsole('release')).status).toBe(200);

    const transactionUid = newUid();
    expect((await ups.changeState(uid, 'IN PROGRESS', transactionUid, '/WORKSTATION')).status).toBe(200);
    expect((await inConsole('claim')).status).toBe(409);
    const listed = (await getWorklist(suite.url)).find((one) => one.workitemUid === uid);
    expect(listed).toMatchObject({ state: 'IN PROGRESS', performer: 'WORKSTATION' });
    expect((await ups.update(uid, { '00741200': { vr: 'CS', Value: ['HIGH'] } }, `?${transactionUid}`)).status).toBe(
      400,
    );
    await ups.update(uid, performedStep(), `?transaction-uid=${transactionUid}`);
    expect((await ups.changeState(uid, 'COMPLETED', transactionUid)).status).toBe(200);
    await watcher.waitFor('the end', ({ workitemUid, state }) => workitemUid === uid && state === 'COMPLETED');
    expect(watcher.states(uid)).toEqual(['SCHEDULED', 'IN PROGRESS', 'SCHEDULED', 'IN PROGRESS', 'COMPLETED']);
    watcher.close();
  });
});

describe('when the server starts again', () => {
  it('says farewell, keeps subscriptions, and says that it was away', async () => {
    const uid = await created();
    await subscribe(uid, 'PATIENT');
    const before = await connect('PATIENT');
    await suite.stop();
    suite = await suite.restart();
    root = `${suite.url}/dicom-web`;
    ups = new UpsClient(root);
    await before.waitFor('the farewell', ({ type }) => type === 4);
    expect(before.heard.at(-1)!.dataset).toMatchObject({
      '00001000': { Value: [allWorkitems] },
      '00741242': { Value: ['GOING DOWN'] },
    });
    await waitFor('the end of the connection', async () => (before.isClosed ? true : undefined));

    const after = await connect('PATIENT');
    const greeting = await after.waitFor('the greeting', ({ type }) => type === 4);
    expect(greeting.dataset).toMatchObject({
      '00741242': { Value: ['RESTARTED'] },
      '00741244': { Value: ['WARM START'] },
      '00741246': { Value: ['WARM START'] },
    });
    await claimed(uid);
    await after.waitFor('what comes then', ({ workitemUid, state }) => workitemUid === uid && state === 'IN PROGRESS');
    after.close();
  });
});
