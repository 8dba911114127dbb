import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../answer.js';
import { type Behaviour, Mismatch, NotApplicable } from '../behaviour.js';
import type { ConformanceServer } from '../conformance-server.js';
import { type Dataset, firstText, firstValue } from '../dataset.js';
import { EventChannel } from '../event-channel.js';

const area = 'workitems';
const needs = 'workitems';
const allWorkitems = '1.2.840.10008.5.1.4.34.5';
const filteredWorkitems = '1.2.840.10008.5.1.4.34.5.1';
const aeTitle = 'CONFORMANCE';

let made = 0;

/** A workitem as PS3.4 table CC.2.5-3 asks for it at its creation. */
function describeWorkitem(server: ConformanceServer): Dataset {
  const empty = (vr: string) => ({ vr });
  return {
    '00081080': empty('LO'),
    '00081195': empty('UI'),
    '00100010': { vr: 'PN', Value: [{ Alphabetic: `Conf${server.run}^Workitem` }] },
    '00100020': { vr: 'LO', Value: [server.patientId('UPS')] },
    '00100030': empty('DA'),
    '00100040': empty('CS'),
    '0020000D': empty('UI'),
    '00380010': empty('LO'),
    '00400400': empty('LT'),
    '00404005': { vr: 'DT', Value: ['20240301120000'] },
    '00404018': empty('SQ'),
    '00404021': empty('SQ'),
    '00404025': empty('SQ'),
    '00404026': empty('SQ'),
    '00404027': empty('SQ'),
    '00404034': empty('SQ'),
    '00404041': { vr: 'CS', Value: ['READY'] },
    '0040A370': empty('SQ'),
    '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
    '00741002': empty('SQ'),
    '00741200': { vr: 'CS', Value: ['MEDIUM'] },
    '00741202': { vr: 'LO', Value: ['Conformance'] },
    '00741204': { vr: 'LO', Value: [`Conformance ${server.run}`] },
    '00741210': empty('SQ'),
    '00741216': empty('SQ'),
  };
}

function post(server: ConformanceServer, path: string, dataset?: Dataset, method = 'POST'): Promise<Answer> {
  return server.send(path, {
    method,
    headers: { 'content-type': 'application/dicom+json', accept: 'application/dicom+json' },
    ...(dataset !== undefined && { body: JSON.stringify([dataset]) }),
  });
}

async function create(server: ConformanceServer): Promise<string> {
  made += 1;
  const uid = server.uid(`workitem ${made}`);
  (await post(server, `/workitems?${uid}`, describeWorkitem(server))).is(201);
  return uid;
}

function changeState(server: ConformanceServer, uid: string, state: string, transaction?: string): Promise<Answer> {
  const dataset = {
    ...(transaction !== undefined && { '00081195': { vr: 'UI', Value: [transaction] } }),
    '00741000': { vr: 'CS', Value: [state] },
  };
  return post(server, `/workitems/${uid}/state`, dataset, 'PUT');
}

async function stateOf(server: ConformanceServer, uid: string): Promise<string> {
  return firstText(await retrieve(server, uid), '00741000');
}

async function retrieve(server: ConformanceServer, uid: string): Promise<Dataset> {
  const answer = await server.getJson(`/workitems/${uid}`);
  const value = answer.is(200).json();
  return (Array.isArray(value) ? value[0] : value) as Dataset;
}

/** UPS-RS, PS3.18 chapter 11. */
export const workitems: readonly Behaviour[] = [
  {
    id: 'workitems.create',
    area,
    needs,
    name: 'creates a workitem with 201 and its Location, the UID in the query or chosen by the server',
    source: 'PS3.18 11.4',
    level: 'required',
    async check(server) {
      const uid = server.uid('workitem created');
      const answer = await post(server, `/workitems?${uid}`, describeWorkitem(server));
      const location = answer.is(201).header('location') || answer.header('content-location');
      answer.holds(location.endsWith(`/workitems/${uid}`), `Location .../workitems/${uid}`, location || 'none');
      (await server.follow(location, `${server.base.href}/`, 'application/dicom+json')).is(200);
      const dataset = await retrieve(server, uid);
      answer.holds(firstText(dataset, '00741204') === `Conformance ${server.run}`, 'the label that was sent');
      const chosen = await post(server, '/workitems', describeWorkitem(server));
      chosen
        .is(201)
        .holds(
          /\/workitems\/[\d.]+$/.test(chosen.header('location')),
          'a Location',
          chosen.header('location') || 'none',
        );
    },
  },
  {
    id: 'workitems.create-twice',
    area,
    needs,
    name: 'answers 409 to a UID that is in use',
    source: 'PS3.18 11.4.3',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      (await post(server, `/workitems?${uid}`, describeWorkitem(server))).is(409);
    },
  },
  {
    id: 'workitems.create-malformed',
    area,
    needs,
    name: 'answers 400 to a new workitem that is not SCHEDULED or lacks what it must have',
    source: 'PS3.18 11.4.3, PS3.4 CC.2.5.3',
    level: 'required',
    async check(server) {
      const scheduled = describeWorkitem(server);
      const { '00741204': _label, ...unlabelled } = scheduled;
      for (const dataset of [{ ...scheduled, '00741000': { vr: 'CS', Value: ['COMPLETED'] } }, unlabelled]) {
        made += 1;
        (await post(server, `/workitems?${server.uid(`workitem ${made}`)}`, dataset)).is(400);
      }
      const broken = await server.send(`/workitems?${server.uid('workitem broken')}`, {
        method: 'POST',
        headers: { 'content-type': 'application/dicom+json' },
        body: '[{',
      });
      broken.is(400);
    },
  },
  {
    id: 'workitems.search',
    area,
    needs,
    name: 'finds workitems by their attributes, and answers 204 when there is none',
    source: 'PS3.18 11.9',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      const label = encodeURIComponent(`Conformance ${server.run}`);
      const answer = await server.getJson(`/workitems?ProcedureStepLabel=${label}&ProcedureStepState=SCHEDULED`);
      const found = answer.datasets().map((item) => firstText(item, '00080018'));
      answer.holds(found.includes(uid), `SOPInstanceUID ${uid} among the results`, found.join() || 'none');
      (await server.getJson('/workitems?ProcedureStepLabel=NoSuchLabel')).is(204);
    },
  },
  {
    id: 'workitems.claim',
    area,
    needs,
    name: 'lets one claim a workitem with a Transaction UID, and another not',
    source: 'PS3.18 11.7, PS3.4 CC.1.1; 400 in its table, 409 for what is inconsistent with the state',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      const transaction = server.uid('transaction');
      (await changeState(server, uid, 'IN PROGRESS')).is(400, 409);
      (await changeState(server, uid, 'IN PROGRESS', transaction)).is(200);
      (await changeState(server, uid, 'IN PROGRESS', server.uid('another transaction'))).is(400, 409);
      const wrong = await changeState(server, uid, 'COMPLETED', server.uid('another transaction'));
      wrong.is(400, 409).holds((await stateOf(server, uid)) === 'IN PROGRESS', 'still IN PROGRESS');
      (await changeState(server, server.uid('no workitem'), 'IN PROGRESS', transaction)).is(404);
    },
  },
  {
    id: 'workitems.update',
    area,
    needs,
    name: 'updates a claimed workitem for its owner only, by any spelling of the parameter',
    source: 'PS3.18 11.6: transaction-uid; clients write Transaction-uid and transaction',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      const transaction = server.uid(`transaction of ${uid}`);
      (await changeState(server, uid, 'IN PROGRESS', transaction)).is(200);
      for (const [index, parameter] of ['transaction-uid', 'Transaction-uid', 'transaction'].entries()) {
        const label = { '00741204': { vr: 'LO', Value: [`Changed ${index}`] } };
        (await post(server, `/workitems/${uid}?${parameter}=${transaction}`, label)).is(200);
        const dataset = await retrieve(server, uid);
        if (firstText(dataset, '00741204') !== `Changed ${index}`) {
          throw new Mismatch(
            `POST /workitems/{uid}?${parameter}=...\n  expected: the label changed\n  came:     ${firstText(dataset, '00741204')}`,
          );
        }
      }
      const label = { '00741204': { vr: 'LO', Value: ['Not mine'] } };
      (await post(server, `/workitems/${uid}?transaction-uid=${server.uid('another')}`, label)).is(400, 409);
      (await post(server, `/workitems/${uid}`, label)).is(400, 409);
    },
  },
  {
    id: 'workitems.transaction-is-secret',
    area,
    needs,
    name: 'never gives the Transaction UID away',
    source: 'PS3.4 CC.2.7.3: it is the lock',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      const transaction = server.uid(`transaction of ${uid}`);
      (await changeState(server, uid, 'IN PROGRESS', transaction)).is(200);
      for (const path of [
        `/workitems/${uid}`,
        `/workitems?00080018=${uid}&includefield=00081195`,
        `/workitems?includefield=all&PatientID=${server.patientId('UPS')}`,
      ]) {
        const answer = await server.getJson(path);
        answer.is(200).holds(!answer.text.includes(transaction), 'no Transaction UID');
      }
    },
  },
  {
    id: 'workitems.cancel',
    area,
    needs,
    name: 'cancels on request, and says so when it was canceled before',
    source: 'PS3.18 11.8.3',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      (await post(server, `/workitems/${uid}/cancelrequest`)).is(202);
      const again = await post(server, `/workitems/${uid}/cancelrequest`);
      // Text of the standard; the state may change some time after the request.
      if ((await stateOf(server, uid)) === 'CANCELED') {
        const warning = again.header('warning');
        again
          .is(200, 202, 409)
          .holds(
            warning.includes('The UPS is already in the requested state of CANCELED.'),
            'Warning: 299 <service>: The UPS is already in the requested state of CANCELED.',
            warning || 'none',
          );
      }
      (await post(server, `/workitems/${server.uid('no workitem')}/cancelrequest`)).is(404);
    },
  },
  {
    id: 'workitems.complete',
    area,
    needs,
    name: 'completes a claimed workitem that says what was done, and changes it no more',
    source: 'PS3.18 11.7, PS3.4 CC.2.5.1.1: Final State requirements',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      const transaction = server.uid(`transaction of ${uid}`);
      (await changeState(server, uid, 'IN PROGRESS', transaction)).is(200);
      const code = {
        '00080100': { vr: 'SH', Value: ['121726'] },
        '00080102': { vr: 'SH', Value: ['DCM'] },
        '00080104': { vr: 'LO', Value: ['RT Treatment with Internal Verification'] },
      };
      const performed = {
        '00741216': {
          vr: 'SQ',
          Value: [
            {
              '00404019': { vr: 'SQ', Value: [code] },
              '00404028': { vr: 'SQ', Value: [code] },
              '00404033': { vr: 'SQ' },
              '00404050': { vr: 'DT', Value: ['20240301120000'] },
              '00404051': { vr: 'DT', Value: ['20240301130000'] },
              '0040A170': { vr: 'SQ' },
            },
          ],
        },
      };
      (await post(server, `/workitems/${uid}?transaction-uid=${transaction}`, performed)).is(200);
      const done = await changeState(server, uid, 'COMPLETED', transaction);
      done.is(200).holds((await stateOf(server, uid)) === 'COMPLETED', 'COMPLETED');
      (await changeState(server, uid, 'CANCELED', transaction)).is(400, 409);
      (await post(server, `/workitems/${uid}/cancelrequest`)).is(409);
    },
  },
  {
    id: 'workitems.subscribe',
    area,
    needs,
    name: 'subscribes to one workitem and to all, with 201 and the address of a WebSocket',
    source: 'PS3.18 11.10.3.2',
    level: 'required',
    async check(server) {
      const uid = await create(server);
      for (const resource of [uid, allWorkitems]) {
        for (const query of ['', '?deletionlock=false', '?deletionlock=true']) {
          const path = `/workitems/${resource}/subscribers/${aeTitle}${query}`;
          const answer = await server.send(path, { method: 'POST' });
          const address = answer.is(201).header('content-location');
          answer.holds(/^wss?:\/\//.test(address), 'Content-Location ws://... or wss://...', address || 'none');
        }
        (await server.send(`/workitems/${resource}/subscribers/${aeTitle}`, { method: 'DELETE' })).is(200, 204);
      }
      const none = server.uid('no workitem');
      (await server.send(`/workitems/${none}/subscribers/${aeTitle}`, { method: 'POST' })).is(404);
    },
  },
  {
    id: 'workitems.subscribe-filtered',
    area,
    needs,
    name: 'subscribes to what a filter matches, or answers 403 with the Warning of the standard',
    source: 'PS3.18 11.10.3.2',
    level: 'required',
    async check(server) {
      const path = `/workitems/${filteredWorkitems}/subscribers/${aeTitle}?filter=${encodeURIComponent('00741202=Conformance')}`;
      const answer = await server.send(path, { method: 'POST' });
      if (answer.is(201, 403).status === 201) {
        await server.send(`/workitems/${filteredWorkitems}/subscribers/${aeTitle}`, { method: 'DELETE' });
        return;
      }
      const warning = answer.header('warning');
      answer.holds(
        warning.includes('Filtered Worklist Subscriptions are not supported.'),
        'Warning: 299 <service>: Filtered Worklist Subscriptions are not supported.',
        warning || 'none',
      );
    },
  },
  {
    id: 'workitems.events',
    area,
    needs,
    name: 'reports each change of state to subscribers as DICOM JSON in text frames',
    source: 'PS3.18 8.10.5, 11.13, PS3.4 CC.2.4',
    level: 'required',
    async check(server) {
      const channel = await EventChannel.subscribe(server, allWorkitems, `EV${server.run}`);
      try {
        const uid = await create(server);
        const transaction = server.uid(`transaction of ${uid}`);
        (await changeState(server, uid, 'IN PROGRESS', transaction)).is(200);
        for (const state of ['SCHEDULED', 'IN PROGRESS']) {
          const event = await channel.wait(
            `a UPS State Report of ${state}`,
            (one) => firstText(one, '00001000') === uid && firstText(one, '00741000') === state,
          );
          const told = [firstValue(event, '00000002'), firstValue(event, '00001002')];
          // PS3.4 CC.2.4.3 says UPS Push; the example of PS3.18 11.13 has UPS Event.
          if (!/^1\.2\.840\.10008\.5\.1\.4\.34\.6\.[14],1$/.test(told.join())) {
            throw new Mismatch(
              `The event of ${state}\n  expected: AffectedSOPClassUID 1.2.840.10008.5.1.4.34.6.1 and EventTypeID 1\n  came:     ${told.join()}`,
            );
          }
        }
      } finally {
        await channel.close();
      }
    },
  },
  {
    id: 'workitems.events-of-its-own',
    area,
    needs,
    name: 'reports workitems that the server itself creates, too',
    source: 'PS3.4 CC.2.4.3; servers forgot them',
    level: 'recommended',
    async check(server) {
      const channel = await EventChannel.subscribe(server, allWorkitems, `OW${server.run}`);
      try {
        const patientId = server.patientId('OWNUPS');
        await server.put({ patientId });
        const deadline = Date.now() + 20_000;
        let own: Dataset | undefined;
        while (own === undefined && Date.now() < deadline) {
          const answer = await server.getJson(`/workitems?PatientID=${patientId}`);
          own = answer.datasets()[0];
          if (own === undefined) await sleep(250);
        }
        if (own === undefined) throw new NotApplicable('the server made no workitem for a study that it stored');
        const uid = firstText(own, '00080018');
        await channel.wait(`an event of the workitem ${uid}`, (one) => firstText(one, '00001000') === uid);
      } finally {
        await channel.close();
      }
    },
  },
  {
    id: 'workitems.events-missed',
    area,
    needs,
    name: 'lets a subscriber who was away connect again and find by search what it missed',
    source: 'PS3.18 8.10.4.2',
    level: 'required',
    async check(server) {
      const channel = await EventChannel.subscribe(server, allWorkitems, `MI${server.run}`);
      await channel.disconnect();
      const missed = await create(server);
      const again = await channel.reconnect();
      try {
        const answer = await server.getJson(`/workitems?00080018=${missed}`);
        answer.holds(firstText(answer.datasets()[0] ?? {}, '00080018') === missed, `the workitem ${missed}`);
        const seen = await create(server);
        await again.wait(`an event of ${seen}`, (one) => firstText(one, '00001000') === seen);
      } finally {
        await again.close();
      }
    },
  },
];
