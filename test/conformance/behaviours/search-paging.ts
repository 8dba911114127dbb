import { type Behaviour } from '../behaviour.js';
import { instancesOf, studiesOf } from './search-requests.js';

const area = 'search';

/** Pages of results. */
export const searchPaging: readonly Behaviour[] = [
  {
    id: 'search.limit-offset',
    area,
    name: 'honours limit and offset, and takes what OHIF sends with every list',
    source: 'PS3.18 8.3.4.4; OHIF: limit=101&offset=0&fuzzymatching=false',
    level: 'required',
    async check(server) {
      const { patientId, studies } = await server.fixture('patient');
      const all = await server.getJson(`/studies?PatientID=${patientId}&limit=101&offset=0&fuzzymatching=false`);
      all.holds(studiesOf(all).length === studies.length, `${studies.length} studies`);
      const second = await server.getJson(`/studies?PatientID=${patientId}&limit=1&offset=1`);
      const found = studiesOf(second);
      second.holds(
        found.length === 1 && found[0] === studiesOf(all)[1],
        'the second study of the whole list',
        found.join(),
      );
    },
  },
  {
    id: 'search.beyond-the-end',
    area,
    name: 'answers an offset past the last result with nothing, so that paging loops end',
    source: 'Python client: asks on with a growing offset until nothing comes; PS3.18 8.3.4.4.1',
    level: 'required',
    async check(server) {
      const { patientId, studies } = await server.fixture('patient');
      const last = await server.getJson(`/studies?PatientID=${patientId}&offset=${studies.length - 1}`);
      last.holds(last.datasets().length === 1, 'the last study');
      for (const offset of [studies.length, 1000]) {
        const answer = await server.getJson(`/studies?PatientID=${patientId}&offset=${offset}`);
        answer.holds(answer.datasets().length === 0, 'no results');
      }
    },
  },
  {
    id: 'search.stable-order',
    area,
    name: 'gives the same results in the same order each time, so that pages neither repeat nor leave out',
    source: 'PS3.18 8.3.4.4.1',
    level: 'required',
    async check(server) {
      const { studies } = await server.fixture('long');
      const path = `/studies/${studies[0]}/instances`;
      const whole = instancesOf(await server.getJson(`${path}?limit=40`));
      const again = await server.getJson(`${path}?limit=40`);
      again.holds(new Set(whole).size === 40, '40 instances', String(new Set(whole).size));
      again.holds(instancesOf(again).join() === whole.join(), 'the same order as before');
      const paged: string[] = [];
      for (let offset = 0; offset < 40; offset += 10) {
        paged.push(...instancesOf(await server.getJson(`${path}?limit=10&offset=${offset}`)));
      }
      again.holds(paged.join() === whole.join(), 'four pages of ten to be the first forty');
    },
  },
  {
    id: 'search.more-than-the-limit',
    area,
    name: 'says in a Warning how many results more there are than the server gives in one answer',
    source: 'PS3.18 8.3.4.4.1',
    level: 'required',
    needs: 'search-limit',
    async check(server) {
      const limit = server.options.searchLimit!;
      const more = 3;
      const study = server.uid('more than the limit');
      const made = Array.from({ length: limit + more }, (_, index) =>
        server.make({ studyInstanceUid: study, instanceNumber: index + 1, rows: 1, columns: 2 }),
      );
      for (let at = 0; at < made.length; at += 500) {
        (await server.store(made.slice(at, at + 500).map(({ bytes }) => bytes))).is(200);
      }
      const answer = await server.getJson(`/studies/${study}/instances`);
      answer.holds(instancesOf(answer).length === limit, `${limit} results`, String(answer.datasets().length));
      const wanted = new RegExp(`^299 .*: There are ${more} additional results that can be requested`);
      const warning = answer.header('warning');
      answer.holds(wanted.test(warning), `a Warning like ${wanted.source}`, warning || 'no Warning');
    },
  },
  {
    id: 'search.too-big',
    area,
    name: 'answers a query that is too much with results or a 4xx, never with a failure of its own',
    source: 'PS3.18 8.5: 413; Weasis has a message for it',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      const uids = Array.from({ length: 1500 }, (_, index) => server.uid(`unknown ${index}`)).join(',');
      for (const query of [`StudyInstanceUID=${uids}`, `PatientID=${patientId}&limit=1000000000`]) {
        const answer = await server.getJson(`/studies?${query}`);
        answer.is(200, 204, 400, 413, 414, 431);
      }
      const after = await server.getJson(`/studies?PatientID=${patientId}`);
      after.holds(studiesOf(after).length === 1, 'the study, as before');
    },
  },
];
