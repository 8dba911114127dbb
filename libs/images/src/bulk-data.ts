import type { DicomJson } from '#libs/dicom';
import { itemsOf, textOf } from './attributes.js';
import { ImageError } from './image-error.js';

/** Bytes of elements that a dataset holds by reference, by their BulkDataURI. Little endian. */
export type BulkData = ReadonlyMap<string, Uint8Array>;

export interface BulkDataReference {
  /** The BulkDataURI as it stands in the dataset: the key to use in {@link BulkData}. */
  uri: string;
  /** e.g. `00281201` or `54000100/0/54001010` (sequence / item index from 0 / element). */
  tagPath: string;
}

const paletteData = ['00281201', '00281202', '00281203', '00281221', '00281222', '00281223'];
const lutData = '00283006';
/** Sequences with a LUT Data in their items: Modality LUT and VOI LUT. */
const lutSequences = ['00283000', '00283010'];
const functionalGroups = ['52009229', '52009230'];
const frameVoiLut = '00289132';
const waveformSequence = '54000100';
const waveformData = '54001010';

/**
 * What a dataset keeps as bulk data and a picture of it needs: lookup tables of an image, samples of a waveform. Read
 * these, and hand them to describeFrame or renderWaveform. Most images need none.
 */
export function bulkDataForRendering(dataset: DicomJson): BulkDataReference[] {
  const references: BulkDataReference[] = [];
  const add = (holder: DicomJson, tag: string, at: string): void => {
    const uri = holder[tag]?.BulkDataURI;
    if (uri !== undefined) references.push({ uri, tagPath: `${at}${tag}` });
  };
  const addLuts = (holder: DicomJson, at: string): void => {
    for (const sequence of lutSequences) {
      itemsOf(holder, sequence).forEach((item, i) => add(item, lutData, `${at}${sequence}/${i}/`));
    }
  };

  if (textOf(dataset, '00280004') === 'PALETTE COLOR') for (const tag of paletteData) add(dataset, tag, '');
  addLuts(dataset, '');
  for (const groups of functionalGroups) {
    itemsOf(dataset, groups).forEach((group, i) => {
      itemsOf(group, frameVoiLut).forEach((item, j) => addLuts(item, `${groups}/${i}/${frameVoiLut}/${j}/`));
    });
  }
  itemsOf(dataset, waveformSequence).forEach((item, i) => add(item, waveformData, `${waveformSequence}/${i}/`));
  return references;
}

/** The bytes of a binary element, inline or from `bulkData`; undefined when the dataset does not have the element. */
export function bytesOf(
  dataset: DicomJson,
  tag: string,
  name: string,
  bulkData: BulkData | undefined,
): Uint8Array | undefined {
  const element = dataset[tag];
  if (element?.InlineBinary !== undefined) return Buffer.from(element.InlineBinary, 'base64');
  if (element?.BulkDataURI === undefined) return undefined;
  const bytes = bulkData?.get(element.BulkDataURI);
  if (bytes === undefined) {
    throw new ImageError('missing-bulk-data', `${name} (${tag}) is bulk data, and was not handed in with the dataset.`);
  }
  return bytes;
}
