import type { DicomJson } from '#libs/dicom';
import { itemsOf, textOf } from './attributes.js';
import { ImageError } from './image-error.js';
import { overlayGroups, overlayTag } from './presentation/overlay-groups.js';

/** Bytes of elements that a dataset holds by reference, by their BulkDataURI. Little endian. */
export type BulkData = ReadonlyMap<string, Uint8Array>;

export interface BulkDataReference {
  /** The BulkDataURI as it stands in the dataset: the key to use in {@link BulkData}. */
  uri: string;
  /** e.g. `00281201` or `54000100/0/54001010` (sequence / item index from 0 / element). */
  tagPath: string;
}

/** Pseudo-Color and Blending Softcopy Presentation State. */
const coloringStates = ['1.2.840.10008.5.1.4.1.1.11.3', '1.2.840.10008.5.1.4.1.1.11.4'];
const paletteData = ['00281201', '00281202', '00281203', '00281221', '00281222', '00281223'];
const lutData = '00283006';
/** Sequences with a LUT Data in their items: Modality LUT and VOI LUT. */
const lutSequences = ['00283000', '00283010'];
const functionalGroups = ['52009229', '52009230'];
const frameVoiLut = '00289132';
const softcopyVoi = '00283110';
const blending = '00700402';
const presentationLut = '20500010';
const iccProfile = '00282000';
const opticalPath = '00480105';
const waveformSequence = '54000100';
const waveformData = '54001010';

/**
 * What a dataset keeps as bulk data and a picture of it needs: lookup tables and overlays of an image or of a
 * presentation state, samples of a waveform. Read
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

  // Of an image, or of a presentation state that gives it false colours.
  const isState = coloringStates.includes(textOf(dataset, '00080016') ?? '');
  if (isState || textOf(dataset, '00280004') === 'PALETTE COLOR') for (const tag of paletteData) add(dataset, tag, '');
  // Of images, or of presentation states for their images; and a Presentation LUT.
  const addPresented = (holder: DicomJson, at: string): void => {
    addLuts(holder, at);
    itemsOf(holder, softcopyVoi).forEach((item, i) => addLuts(item, `${at}${softcopyVoi}/${i}/`));
  };
  addPresented(dataset, '');
  itemsOf(dataset, blending).forEach((item, i) => addPresented(item, `${blending}/${i}/`));
  itemsOf(dataset, presentationLut).forEach((item, i) => add(item, lutData, `${presentationLut}/${i}/`));
  for (const group of overlayGroups) add(dataset, overlayTag(group, '3000'), '');
  for (const groups of functionalGroups) {
    itemsOf(dataset, groups).forEach((group, i) => {
      itemsOf(group, frameVoiLut).forEach((item, j) => addLuts(item, `${groups}/${i}/${frameVoiLut}/${j}/`));
    });
  }
  itemsOf(dataset, waveformSequence).forEach((item, i) => add(item, waveformData, `${waveformSequence}/${i}/`));
  return references;
}

/** Where the ICC profile of an instance's colours is, when it is bulk data: only colour management needs it. */
export function bulkDataForColor(dataset: DicomJson): BulkDataReference[] {
  const path = dataset[iccProfile] ? '' : `${opticalPath}/0/`;
  const holder = dataset[iccProfile] ? dataset : itemsOf(dataset, opticalPath)[0];
  const uri = holder?.[iccProfile]?.BulkDataURI;
  return uri === undefined ? [] : [{ uri, tagPath: `${path}${iccProfile}` }];
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
