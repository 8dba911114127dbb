import type { Answer } from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import { type Dataset, firstText, firstValue } from '../dataset.js';
import { instancesOf } from './search-requests.js';

const area = 'search';

function holdsTags(answer: Answer, item: Dataset, tags: readonly string[]): void {
  const missing = tags.filter((tag) => item[tag] === undefined);
  answer.holds(missing.length === 0, `the attributes ${tags.join(' ')}`, `without ${missing.join(' ')}`);
}

/** What a result says. */
export const searchResults: readonly Behaviour[] = [
  {
    id: 'search.modalities-value',
    area,
    name: 'gives ModalitiesInStudy with its values, and leaves it out where none is known',
    source: 'PS3.18 10.6.3.3.1; OHIF fails on the element without a Value',
    level: 'required',
    async check(server) {
      const { studies } = await server.fixture('chest');
      const answer = await server.getJson(`/studies?StudyInstanceUID=${studies[0]}`);
      const modalities = [...(answer.dataset()['00080061']?.Value ?? [])].sort().join();
      answer.holds(modalities === 'CT,SR', 'ModalitiesInStudy CT and SR', modalities || 'none');
      const nameless = await server.fixture('nameless');
      const other = await server.getJson(`/studies?StudyInstanceUID=${nameless.studies[0]}`);
      const element = other.dataset()['00080061'];
      other.holds(
        element === undefined || (element.Value?.length ?? 0) > 0,
        'no ModalitiesInStudy, or one with a Value',
        JSON.stringify(element),
      );
    },
  },
  {
    id: 'search.study-attributes',
    area,
    name: 'gives the attributes of a study that the standard lists, and the description OHIF shows',
    source: 'PS3.18 table 10.6.3-3; OHIF reads StudyDescription',
    level: 'required',
    async check(server) {
      const { studies } = await server.fixture('chest');
      const answer = await server.getJson(`/studies?StudyInstanceUID=${studies[0]}&includefield=00081030`);
      const item = answer.dataset();
      holdsTags(answer, item, [
        '00080020',
        '00080030',
        '00080050',
        '00080061',
        '00080090',
        '00081190',
        '00100010',
        '00100020',
        '00100030',
        '00100040',
        '0020000D',
        '00200010',
        '00201206',
        '00201208',
        '00081030',
      ]);
      const told = ['00080020', '00080050', '0020000D', '00201206', '00201208'].map((tag) => firstText(item, tag));
      const wanted = ['20240115', `${server.run}C`, studies[0], '2', '4'];
      answer.holds(told.join() === wanted.join(), wanted.join(', '), told.join(', '));
    },
  },
  {
    id: 'search.series-attributes',
    area,
    name: 'gives the attributes of a series that the standard lists, its study among them',
    source: 'PS3.18 table 10.6.3-4; OHIF needs StudyInstanceUID',
    level: 'required',
    async check(server) {
      const { studies, instances } = await server.fixture('chest');
      const answer = await server.getJson(`/studies/${studies[0]}/series?SeriesInstanceUID=${instances[0]!.series}`);
      const item = answer.dataset();
      holdsTags(answer, item, [
        '00080060',
        '0008103E',
        '00081190',
        '0020000D',
        '0020000E',
        '00200011',
        '00201209',
        '00400244',
        '00400245',
        '00400275',
      ]);
      const told = ['00080060', '0008103E', '0020000D', '0020000E', '00201209'].map((tag) => firstText(item, tag));
      const wanted = ['CT', 'Axial 5.0', studies[0], instances[0]!.series, '3'];
      answer.holds(told.join() === wanted.join(), wanted.join(', '), told.join(', '));
    },
  },
  {
    id: 'search.instance-attributes',
    area,
    name: 'gives the attributes of an instance that the standard lists',
    source: 'PS3.18 table 10.6.3-5',
    level: 'required',
    async check(server) {
      const { instances } = await server.fixture('cine');
      const { study, series, uid } = instances[0]!;
      const answer = await server.getJson(`/studies/${study}/series/${series}/instances`);
      const item = answer.dataset();
      holdsTags(answer, item, [
        '00080016',
        '00080018',
        '00081190',
        '00200013',
        '00280008',
        '00280010',
        '00280011',
        '00280100',
      ]);
      const told = ['00080018', '00280008', '00280010', '00280011', '00280100'].map((tag) => firstText(item, tag));
      answer.holds(told.join() === [uid, 5, 16, 16, 8].join(), `${uid}, 5, 16, 16, 8`, told.join(', '));
    },
  },
  {
    id: 'search.counts',
    area,
    name: 'gives counts as numbers, or all as numeric strings',
    source: 'PS3.18 F.2.3: IS is a number or a string; clients add them up',
    level: 'required',
    async check(server) {
      const { studies } = await server.fixture('chest');
      const answer = await server.getJson(`/studies?StudyInstanceUID=${studies[0]}`);
      const counts = ['00201206', '00201208'].map((tag) => firstValue(answer.dataset(), tag));
      answer.holds(
        new Set(counts.map((count) => typeof count)).size === 1 && counts.map(Number).join() === '2,4',
        '2 and 4, both as numbers or both as strings',
        JSON.stringify(counts),
      );
    },
  },
  {
    id: 'search.counts-follow-deletion',
    area,
    name: 'counts what is left after a deletion',
    source: 'PS3.18 10.6.3.3: the numbers of the study as it is',
    level: 'required',
    needs: 'delete',
    async check(server) {
      const study = server.uid('counted');
      const made = [1, 2, 3].map((instanceNumber) => server.make({ studyInstanceUid: study, instanceNumber }));
      (await server.store(made.map(({ bytes }) => bytes))).is(200);
      const removed = await server.send(made[0]!.path, { method: 'DELETE' });
      removed.holds(removed.status >= 200 && removed.status < 300, 'status 2xx');
      const answer = await server.getJson(`/studies?StudyInstanceUID=${study}`);
      answer.holds(Number(firstValue(answer.dataset(), '00201208')) === 2, '2 instances');
      const series = await server.getJson(`/studies/${study}/series`);
      series.holds(Number(firstValue(series.dataset(), '00201209')) === 2, '2 instances of the series');
      (await server.getJson(`${made[0]!.path}/metadata`)).is(404, 410);
    },
  },
  {
    id: 'search.retrieve-url',
    area,
    name: 'gives a RetrieveURL that is absolute and leads to the thing',
    source: 'PS3.18 10.6.3.3; Weasis builds every address from it',
    level: 'required',
    async check(server) {
      const { studies, instances } = await server.fixture('chest');
      const { series, path } = instances[0]!;
      for (const search of [
        `/studies?StudyInstanceUID=${studies[0]}`,
        `/studies/${studies[0]}/series?SeriesInstanceUID=${series}`,
        `/studies/${studies[0]}/series/${series}/instances?SOPInstanceUID=${instances[0]!.uid}`,
      ]) {
        const answer = await server.getJson(search);
        const url = firstText(answer.dataset(), '00081190');
        answer.holds(/^https?:\/\//.test(url), 'an absolute RetrieveURL', url || 'none');
        (await server.follow(`${url}/metadata`, server.base.href, 'application/dicom+json')).is(200);
      }
      (await server.getJson(`${path}/metadata`)).is(200);
    },
  },
  {
    id: 'search.retrieve-url-behind-proxy',
    area,
    name: 'gives addresses of the host that the browser spoke to, behind a reverse proxy',
    source: 'RFC 7239; X-Forwarded-* of common proxies. Weasis and OHIF follow RetrieveURL and BulkDataURI',
    level: 'recommended',
    async check(server) {
      const { studies } = await server.fixture('chest');
      for (const headers of [
        { forwarded: 'for=192.0.2.1;proto=https;host=pacs.example.org' },
        { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'pacs.example.org' },
      ]) {
        const answer = await server.get(`/studies?StudyInstanceUID=${studies[0]}`, 'application/dicom+json', headers);
        const url = firstText(answer.dataset(), '00081190');
        answer.holds(url.startsWith('https://pacs.example.org/'), 'a RetrieveURL at https://pacs.example.org/', url);
      }
    },
  },
  {
    id: 'search.series-with-study-attributes',
    area,
    name: 'gives attributes of the study with each series when all series are searched',
    source: 'PS3.18 10.6.3.3.2; Weasis asks /series?0020000E=...&includefield=...',
    level: 'required',
    async check(server) {
      const { instances, studies } = await server.fixture('chest');
      const answer = await server.getJson(
        `/series?0020000E=${instances[0]!.series}&includefield=00080020,00080050,00081030,00100010,00100020`,
      );
      const item = answer.dataset();
      holdsTags(answer, item, ['0020000D', '00080020', '00080050', '00081030', '00100010', '00100020']);
      answer.holds(firstText(item, '0020000D') === studies[0], `study ${studies[0]}`, firstText(item, '0020000D'));
    },
  },
  {
    id: 'search.instances-of-series',
    area,
    name: 'gives NumberOfSeriesRelatedInstances of one series of a study',
    source: 'Weasis: asks for it before it loads',
    level: 'required',
    async check(server) {
      const { instances, studies } = await server.fixture('chest');
      const answer = await server.getJson(
        `/studies/${studies[0]}/series?0020000E=${instances[0]!.series}&includefield=00201209`,
      );
      answer.holds(Number(firstValue(answer.dataset(), '00201209')) === 3, 'NumberOfSeriesRelatedInstances 3');
    },
  },
  {
    id: 'search.middle-instance',
    area,
    name: 'gives the middle instance of a series alone',
    source: 'Weasis: limit=1&offset=n/2 for a thumbnail; OHIF',
    level: 'required',
    async check(server) {
      const { instances, studies } = await server.fixture('chest');
      const answer = await server.getJson(
        `/studies/${studies[0]}/series/${instances[0]!.series}/instances?includefield=00080018&limit=1&offset=1`,
      );
      const found = instancesOf(answer);
      answer.holds(
        found.length === 1 && instances.slice(0, 3).some(({ uid }) => uid === found[0]),
        'one instance of the series',
        found.join(),
      );
    },
  },
  {
    id: 'search.available-transfer-syntaxes',
    area,
    name: 'says in which transfer syntaxes a series and an instance can be had',
    source: 'PS3.18 tables 10.6.3-4, 10.6.3-5 (optional); slide viewers choose by it',
    level: 'recommended',
    async check(server) {
      const { instances } = await server.fixture('cine');
      const { study, series } = instances[0]!;
      for (const path of [`/studies/${study}/series`, `/studies/${study}/series/${series}/instances`]) {
        const answer = await server.getJson(`${path}?includefield=00083002`);
        const syntaxes = answer.dataset()['00083002']?.Value ?? [];
        answer.holds(
          syntaxes.includes('1.2.840.10008.1.2.4.50'),
          'AvailableTransferSyntaxUID with 1.2.840.10008.1.2.4.50',
          JSON.stringify(syntaxes),
        );
      }
    },
  },
  {
    id: 'search.availability',
    area,
    name: 'says whether an instance is at hand: ONLINE, NEARLINE or OFFLINE',
    source: 'PS3.18 table 10.6.3-3, PS3.4 C.4.1.1.3.2 (if known)',
    level: 'recommended',
    async check(server) {
      const { studies } = await server.fixture('chest');
      for (const path of [`/studies?StudyInstanceUID=${studies[0]}`, `/studies/${studies[0]}/instances`]) {
        const answer = await server.getJson(`${path}${path.includes('?') ? '&' : '?'}includefield=00080056`);
        answer.holds(answer.datasets().length > 0, 'results');
        for (const item of answer.datasets()) {
          const told = firstText(item, '00080056');
          answer.holds(
            ['ONLINE', 'NEARLINE', 'OFFLINE', 'UNAVAILABLE'].includes(told),
            'InstanceAvailability',
            told || 'none',
          );
        }
      }
    },
  },
];
