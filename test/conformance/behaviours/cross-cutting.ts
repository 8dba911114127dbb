import type { Answer } from '../answer.js';
import { type Behaviour } from '../behaviour.js';
import type { ConformanceServer } from '../conformance-server.js';

const area = 'cross-cutting';
const storedFrame = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';

/** Requests that fail, one of each sort. */
async function failures(server: ConformanceServer): Promise<Answer[]> {
  const { study, series, path } = (await server.fixture('chest')).instances[0]!;
  const none = server.uid('none');
  return Promise.all([
    server.getJson('/studies?StudyDate=yesterday'),
    server.getJson(`/studies/${none}/metadata`),
    server.get(`/studies/${study}/series/${series}/instances/${none}`),
    server.get(`${path}/frames/99`, storedFrame),
    server.get(`${path}/frames/0`, storedFrame),
    server.get(`${path}/rendered?viewport=x`),
    server.get(`${path}/frames/1`, 'multipart/related; type="video/mpeg"'),
    server.send('/studies', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'no' }),
    server.getJson('/no-such-resource'),
  ]);
}

/** That what there is is found: refusing everything is no art. */
async function isFound(server: ConformanceServer): Promise<void> {
  const { path } = (await server.fixture('chest')).instances[0]!;
  (await server.getJson(`${path}/metadata`)).dataset();
}

export const crossCutting: readonly Behaviour[] = [
  {
    id: 'cross-cutting.unauthenticated',
    area,
    name: 'asks for a token with 401 and WWW-Authenticate: Bearer, alike for searches, metadata, frames and images',
    source: 'RFC 6750 3, PS3.18 8.11; nothing must tell what exists',
    level: 'required',
    needs: 'token',
    async check(server) {
      const { study, path } = (await server.fixture('chest')).instances[0]!;
      const resources = [
        '/studies',
        `/studies/${study}/metadata`,
        `${path}/frames/1`,
        `${path}/rendered`,
        path,
        `/studies/${server.uid('none')}/metadata`,
        '/workitems',
      ];
      for (const resource of resources) {
        for (const authorization of ['', 'Bearer wrong']) {
          const answer = await server.send(resource, { headers: { authorization } });
          const asks = answer.is(401).header('www-authenticate');
          answer.holds(/^Bearer\b/i.test(asks), 'WWW-Authenticate: Bearer', asks || 'none');
        }
      }
      (await server.getJson('/studies?limit=1')).is(200, 204);
    },
  },
  {
    id: 'cross-cutting.bad-uids',
    area,
    name: 'answers 400 or 404 to what is no UID, and never goes where it points',
    source: 'PS3.5 9.1; paths, queries and object keys are made of them',
    level: 'required',
    async check(server) {
      await isFound(server);
      const bad = [
        '..%2f..%2fetc%2fpasswd',
        '1.2.3%2f..',
        '1.2.x',
        '1.2.3.',
        '.1.2',
        `1.${'2'.repeat(64)}`,
        "1.2'--",
        '1.2%00',
        '1.2%0d%0aX-Injected:%201',
        '%25',
        '1..2',
      ];
      for (const uid of bad) {
        for (const resource of [
          `/studies/${uid}/series`,
          `/studies/${uid}/metadata`,
          `/studies/1.2/series/${uid}/metadata`,
          `/studies/1.2/series/1.3/instances/${uid}`,
        ]) {
          const answer = await server.getJson(resource);
          answer.is(400, 404).holds(answer.headers['x-injected'] === undefined, 'no header field out of the path');
        }
      }
    },
  },
  {
    id: 'cross-cutting.bad-uids-are-bad-requests',
    area,
    name: 'answers 400, rather than 404, to what is no UID',
    source: 'PS3.18 8.5: 400 for errors in the request; left to the server',
    level: 'recommended',
    async check(server) {
      await isFound(server);
      for (const uid of ['1.2.x', '1.2.3.', `1.${'2'.repeat(64)}`])
        (await server.getJson(`/studies/${uid}/metadata`)).is(400);
    },
  },
  {
    id: 'cross-cutting.overload',
    area,
    name: 'answers many requests at once in full, or with 503 and Retry-After, and never with a part',
    source: 'RFC 9110 15.6.4',
    level: 'required',
    async check(server) {
      const { studies, instances } = await server.fixture('long');
      const path = `/studies/${studies[0]}/series/${instances[0]!.series}/metadata`;
      const answers = await Promise.all(Array.from({ length: 60 }, () => server.getJson(path)));
      for (const answer of answers) {
        if (answer.is(200, 429, 503).status === 200) {
          answer.holds(answer.datasets().length === instances.length, `${instances.length} data sets`);
        } else answer.holds(answer.header('retry-after') !== '', 'Retry-After');
      }
    },
  },
  {
    id: 'cross-cutting.ascii-warnings',
    area,
    name: 'writes Warning header fields in plain ASCII, whatever was asked',
    source: 'RFC 9110 5.5; dicomweb-client (JS) logs them',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      for (const query of [
        'M%C3%BCller=1',
        '%E5%B1%B1=1',
        'fuzzymatching=true',
        'includefield=%F0%9F%98%80',
        '%0d%0aX-Injected:1=2',
      ]) {
        const answer = await server.getJson(`/studies?PatientID=${patientId}&${query}`);
        if (answer.is(200, 400).status === 200) answer.dataset();
        answer.holds(answer.headers['x-injected'] === undefined, 'no header field out of the query');
        const warning = answer.header('warning');
        answer.holds(/^[\x20-\x7e]*$/.test(warning), 'plain ASCII', JSON.stringify(warning));
      }
    },
  },
  {
    id: 'cross-cutting.errors-have-bodies',
    area,
    name: 'says in the body of each error what is wrong',
    source: 'PS3.18 8.5: a status report or the like; RFC 9457',
    level: 'required',
    async check(server) {
      for (const answer of await failures(server)) {
        answer.holds(answer.status >= 400 && answer.status < 500, 'a 4xx');
        answer.holds(answer.body.length > 0, 'a body that says what is wrong');
      }
    },
  },
  {
    id: 'cross-cutting.errors-tell-no-secrets',
    area,
    name: 'tells in errors neither its own innards nor patients',
    source: 'OWASP: improper error handling; HIPAA 164.312',
    level: 'required',
    async check(server) {
      await isFound(server);
      const patient = `Conf${server.run}`;
      const errors = (await failures(server)).filter(({ status }) => status >= 400);
      errors[0]?.holds(errors.length > 5, 'errors in answer to most of the requests that should fail');
      for (const answer of errors) {
        answer.holds(
          !/\n\s+at \S+ \(|node_modules|\.ts:\d+|\.cpp:\d+|\bselect .* from\b/i.test(answer.text),
          'no stack, no SQL, no file names',
        );
        answer.holds(!answer.text.includes(patient), 'no patient names');
      }
    },
  },
  {
    id: 'cross-cutting.wrong-methods',
    area,
    name: 'answers 404 or 405 to methods that a resource does not have',
    source: 'RFC 9110 15.5.6',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('chest')).instances[0]!;
      for (const method of ['PUT', 'PATCH', 'DELETE']) (await server.send(`${path}/metadata`, { method })).is(404, 405);
    },
  },
];
