import type { DicomJson } from '#libs/dicom';

/** What an instance says of its study (PS3.3 C.7.1.1, C.7.2): kept with the study's row, as the first instance says it. */
const studyTags = [
  '00080005',
  '00080020',
  '00080030',
  '00080050',
  '00080051',
  '00080090',
  '00080201',
  '00081030',
  '00081032',
  '00081060',
  '00081080',
  '00081110',
  '00100010',
  '00100020',
  '00100021',
  '00100030',
  '00100032',
  '00100040',
  '00101000',
  '00101001',
  '00101010',
  '00101020',
  '00101030',
  '00102160',
  '00104000',
  '0020000D',
  '00200010',
];

/** What an instance says of its series (PS3.3 C.7.3). */
const seriesTags = [
  '00080005',
  '00080021',
  '00080031',
  '00080060',
  '00080070',
  '00080080',
  '00080201',
  '00081010',
  '00081040',
  '0008103E',
  '0008103F',
  '00081050',
  '00081070',
  '00081090',
  '00081111',
  '00180015',
  '00181030',
  '00185100',
  '0020000E',
  '00200011',
  '00200052',
  '00200060',
  '00400244',
  '00400245',
  '00400250',
  '00400251',
  '00400253',
  '00400254',
  '00400260',
  '00400275',
];

const pick = (dataset: DicomJson, tags: readonly string[]): DicomJson =>
  Object.fromEntries(tags.flatMap((tag) => (dataset[tag] === undefined ? [] : [[tag, dataset[tag]]])));

export const studyAttributes = (dataset: DicomJson): DicomJson => pick(dataset, studyTags);
export const seriesAttributes = (dataset: DicomJson): DicomJson => pick(dataset, seriesTags);
