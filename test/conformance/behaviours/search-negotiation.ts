import type { Behaviour } from '../behaviour.js';
import { firstText } from '../dataset.js';
import { studiesOf } from './search-requests.js';

const area = 'search';

/** How a search is asked for and in what form it answers. */
export const searchNegotiation: readonly Behaviour[] = [
  {
    id: 'search.nothing-found',
    area,
    name: 'answers a search without a match with 204 and no body',
    source: 'PS3.18 8.3.4.4.1',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      for (const level of ['studies', 'series', 'instances']) {
        const some = await server.getJson(`/${level}?PatientID=${patientId}`);
        some.is(200).holds(some.datasets().length > 0, 'what there is of another patient');
        const answer = await server.getJson(`/${level}?PatientID=${server.patientId('NOBODY')}`);
        answer.is(204).holds(answer.body.length === 0, 'no body with status 204');
      }
    },
  },
  {
    id: 'search.array',
    area,
    name: 'answers with an array, for one match too, as exactly application/dicom+json',
    source: 'PS3.18 10.6.3.3; Python client: compares the Content-Type as a whole',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      const answer = await server.getJson(`/studies?PatientID=${patientId}`);
      answer.dataset();
      const type = answer.header('content-type');
      answer.holds(type === 'application/dicom+json', 'Content-Type application/dicom+json and nothing more', type);
    },
  },
  {
    id: 'search.accept-with-multipart',
    area,
    name: 'answers JSON to an Accept that names JSON and multipart octet-stream together',
    source: 'OHIF: sends it with every request for series and metadata',
    level: 'required',
    async check(server) {
      const { studies, instances } = await server.fixture('chest');
      const accept = 'application/dicom+json, multipart/related; type="application/octet-stream"; transfer-syntax=*';
      for (const path of [
        `/studies/${studies[0]}/series`,
        `/studies/${studies[0]}/metadata`,
        `/studies/${studies[0]}/series/${instances[0]!.series}/metadata`,
      ]) {
        const answer = await server.get(path, accept);
        answer.holds(answer.datasets().length > 0, 'JSON data sets');
      }
    },
  },
  {
    id: 'search.accept-json',
    area,
    name: 'answers JSON to application/dicom+json, application/json and to application/json alone',
    source: 'Python client; PS3.18 8.7.3.2',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      for (const accept of ['application/dicom+json, application/json', 'application/json']) {
        (await server.get(`/studies?PatientID=${patientId}`, accept)).dataset();
      }
    },
  },
  {
    id: 'search.accept-anything',
    area,
    name: 'answers application/dicom+json to */* and to no Accept at all',
    source: 'PS3.18 8.7.3.2: the default media type; browsers and curl',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      for (const accept of [undefined, '*/*']) {
        const answer = await server.get(`/studies?PatientID=${patientId}`, accept);
        answer.isOfType('application/dicom+json').dataset();
      }
    },
  },
  {
    id: 'search.accept-xml',
    area,
    name: 'answers XML parts, or 406, to multipart application/dicom+xml, and never JSON in its name',
    source: 'PS3.18 8.7.3.2',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      const answer = await server.get(
        `/studies?PatientID=${patientId}`,
        'multipart/related; type="application/dicom+xml"',
      );
      if (answer.is(200, 406).status === 406) return;
      const part = answer.part();
      answer.holds(
        part.body.toString('utf8').includes('<NativeDicomModel'),
        'a part that is a NativeDicomModel',
        part.body.toString('utf8', 0, 200),
      );
    },
  },
  {
    id: 'search.keys',
    area,
    name: 'takes attributes by keyword, by tag, and by tag in lower case',
    source: 'PS3.18 8.3.4.1: HEXDIG is of either case (RFC 5234)',
    level: 'required',
    async check(server) {
      const { patientId, studies } = await server.fixture('chest');
      for (const query of [
        `PatientID=${patientId}`,
        `00100020=${patientId}`,
        `StudyInstanceUID=${studies[0]}`,
        `0020000D=${studies[0]}`,
        `0020000d=${studies[0]}`,
      ]) {
        const answer = await server.getJson(`/studies?${query}`);
        const found = studiesOf(answer);
        answer.holds(
          found.length === 1 && found[0] === studies[0],
          `the study ${studies[0]}`,
          found.join(', ') || 'none',
        );
      }
    },
  },
  {
    id: 'search.includefield',
    area,
    name: 'takes includefield with an encoded comma, repeated, and as all',
    source: 'PS3.18 8.3.4.3; OHIF encodes the comma, Weasis repeats the parameter',
    level: 'required',
    async check(server) {
      const { patientId } = await server.fixture('chest');
      for (const fields of [
        'includefield=00081030%2C00080050',
        'includefield=00081030,00080050',
        'includefield=00081030&includefield=00080050',
        'includefield=StudyDescription',
        'includefield=all',
      ]) {
        const answer = await server.getJson(`/studies?PatientID=${patientId}&${fields}`);
        const description = firstText(answer.dataset(), '00081030');
        answer.holds(description === `Chest ${server.run}`, `StudyDescription "Chest ${server.run}"`, description);
      }
    },
  },
  {
    id: 'search.empty-parameter',
    area,
    name: 'ignores an empty parameter',
    source: 'Weasis: begins its queries with ?&',
    level: 'required',
    async check(server) {
      const { patientId, studies } = await server.fixture('chest');
      for (const query of [`?&PatientID=${patientId}`, `?PatientID=${patientId}&&includefield=00081030`]) {
        const answer = await server.getJson(`/studies${query}`);
        answer.holds(studiesOf(answer)[0] === studies[0], 'the study');
      }
    },
  },
];
