import type { Answer } from './connection.js';
import type { Task } from './measure.js';
import { type BenchStudy, modalities, seriesUid } from './bench-study.js';

const json = 'application/dicom+json';

export interface SearchRow {
  id: string;
  title: string;
  make: (random: () => number) => Task;
}

/** What there is to find: every study of the archive, and what each holds. */
export interface SearchedArchive {
  token: string;
  studies: readonly BenchStudy[];
  seriesPerStudy: number;
  instancesPerSeries: number;
}

/**
 * The searches that worklists and viewers send. Each time another value that exists, so that no answer can be kept; the
 * exact set of what matches is known, and a page must hold as many of it as there are.
 */
export function searchRows(archive: SearchedArchive): SearchRow[] {
  const { token, studies, seriesPerStudy, instancesPerSeries } = archive;
  const any = (random: () => number) => studies[Math.floor(random() * studies.length)]!;
  const byPatient = Map.groupBy(studies, ({ patientId }) => patientId);
  const known = new Map<string, ReadonlySet<string>>();
  const uidsOf = (some: readonly BenchStudy[]) => new Set(some.map(({ studyInstanceUid }) => studyInstanceUid));
  const matching = (key: string, matches: (study: BenchStudy) => boolean): ReadonlySet<string> => {
    let uids = known.get(key);
    if (uids === undefined) known.set(key, (uids = uidsOf(studies.filter(matches))));
    return uids;
  };
  const all = matching('', () => true);
  const search = (path: string, check: Task['check']): Task => ({ request: { path, accept: json }, check });
  const studySearch = (query: string, limit: number, uids: ReadonlySet<string>, offset = 0): Task =>
    search(`/studies?${query}limit=${limit}${offset > 0 ? `&offset=${offset}` : ''}`, (answer) =>
      checkResults(answer, '0020000D', Math.max(0, Math.min(limit, uids.size - offset)), (uid) => uids.has(uid)),
    );
  return [
    {
      id: 'search.patient-id',
      title: 'QIDO studies by PatientID',
      make: (random) => {
        const { patientId } = any(random);
        return studySearch(`PatientID=${patientId}&`, 25, uidsOf(byPatient.get(patientId)!));
      },
    },
    {
      id: 'search.patient-name',
      title: 'QIDO studies by PatientName, prefix*',
      make: (random) => {
        // A caret is written as it is: one of the servers people compare with decodes no percent escapes.
        const family = any(random).patientName.split('^')[0]!;
        const uids = matching(family, (study) => study.patientName.startsWith(family));
        return studySearch(`PatientName=${family}*&`, 25, uids);
      },
    },
    {
      id: 'search.date-range',
      title: 'QIDO studies by StudyDate, three months',
      make: (random) => {
        const { studyDate } = any(random);
        const quarter = Math.floor((Number(studyDate.slice(4, 6)) - 1) / 3);
        const [from, to] = ['0101-0331', '0401-0630', '0701-0930', '1001-1231']
          [quarter]!.split('-')
          .map((day) => studyDate.slice(0, 4) + day) as [string, string];
        const uids = matching(from, (study) => study.studyDate >= from && study.studyDate <= to);
        return studySearch(`StudyDate=${from}-${to}&`, 25, uids);
      },
    },
    {
      id: 'search.modality',
      title: 'QIDO studies by ModalitiesInStudy',
      make: (random) => {
        const modality = modalities[Math.floor(random() * modalities.length)]!;
        const uids = matching(modality, (study) => study.modality === modality);
        return studySearch(`ModalitiesInStudy=${modality}&`, 25, uids);
      },
    },
    {
      id: 'search.page',
      title: 'QIDO studies, 25 at a random offset',
      make: (random) => studySearch('', 25, all, Math.floor(random() * Math.max(1, studies.length - 25))),
    },
    {
      id: 'search.series',
      title: 'QIDO series of a study',
      make: (random) => {
        const { studyInstanceUid } = any(random);
        return search(`/studies/${studyInstanceUid}/series`, (answer) =>
          // A server may add reports of its own.
          checkResults(answer, '0020000E', seriesPerStudy, (uid) => uid.startsWith(studyInstanceUid), true),
        );
      },
    },
    {
      id: 'search.instances',
      title: `QIDO instances of a series (${instancesPerSeries})`,
      make: (random) => {
        const { studyInstanceUid, index } = any(random);
        const series = seriesUid(token, index, Math.floor(random() * seriesPerStudy));
        return search(`/studies/${studyInstanceUid}/series/${series}/instances`, (answer) =>
          checkResults(answer, '00080018', instancesPerSeries, (uid) => uid.startsWith(series)),
        );
      },
    },
    {
      id: 'search.thousand',
      title: 'QIDO studies, limit=1000',
      make: () => studySearch('', 1000, all),
    },
  ];
}

/** As many results as there must be, no two alike, and each one that may be there. */
export function checkResults(
  answer: Answer,
  tag: string,
  count: number,
  isExpected: (uid: string) => boolean,
  areOthersIgnored = false,
): string | undefined {
  if (answer.status !== (count === 0 && answer.status === 204 ? 204 : 200)) return `status ${answer.status}`;
  const all = (answer.bytes === 0 ? [] : JSON.parse(answer.body.toString())) as Record<string, { Value?: string[] }>[];
  const results = areOthersIgnored ? all.filter((one) => isExpected(one[tag]?.Value?.[0] ?? '')) : all;
  if (results.length !== count) return `${results.length} results where there are ${count}`;
  const uids = new Set(results.map((result) => result[tag]?.Value?.[0] ?? ''));
  if (uids.size !== count) return `${count - uids.size} results twice`;
  for (const uid of uids) if (!isExpected(uid)) return `${uid || 'a result without UID'} is not among what matches`;
  return undefined;
}
