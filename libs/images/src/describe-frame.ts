import type { DicomJson } from '#libs/dicom';
import { itemsOf, numberOf, requiredNumber, textOf } from './attributes.js';
import type { BulkData } from './bulk-data.js';
import {
  type FrameDescription,
  type SampleLayout,
  storedValues,
  type VoiWindow,
  type WindowFunction,
} from './frame-description.js';
import { ImageError } from './image-error.js';
import { checkDecodedSize } from './limits.js';
import { readLut, readPalette } from './lookup-table.js';
import { isBigEndian, isNative } from './transfer-syntax.js';

/**
 * What a dataset says about one of its frames. Values of enhanced objects are taken from the frame's own functional
 * groups, then from the shared ones, then from the top level (PS3.3 C.7.6.16).
 *
 * @param dataset As libs/dicom gives it, without pixels.
 * @param transferSyntaxUid Of the frame's bytes as they will be handed to decodeFrame.
 * @param frameIndex Counts from 0.
 * @param bulkData What {@link bulkDataForRendering} named, if anything.
 * @throws ImageError no-pixels, missing-attribute, invalid-value, unsupported-pixels, limit-exceeded, missing-bulk-data,
 *   or invalid-option for a frame that is not there.
 */
export function describeFrame(
  dataset: DicomJson,
  transferSyntaxUid: string,
  frameIndex: number,
  bulkData?: BulkData,
): FrameDescription {
  const pixels = describePixels(dataset, transferSyntaxUid, frameIndex);
  const isSigned = pixels.pixelRepresentation === 1;
  const { photometricInterpretation, bitsAllocated } = pixels;
  return {
    ...pixels,
    ...readModality(dataset, frameIndex, isSigned, bulkData),
    ...readVoi(dataset, frameIndex, isSigned, bulkData),
    palette: photometricInterpretation === 'PALETTE COLOR' ? readPalette(dataset, isSigned, bulkData) : undefined,
    padding: readPadding(dataset, isSigned, bitsAllocated),
    isSegmentation: segmentationSopClasses.includes(textOf(dataset, '00080016') ?? ''),
  };
}

/** The attributes of a dataset by which its frames are decoded and encoded again: all that describePixels looks at. */
export const pixelAttributes = [
  '00280002',
  '00280004',
  '00280006',
  '00280008',
  '00280010',
  '00280011',
  '00280100',
  '00280101',
  '00280102',
  '00280103',
  '7FE00008',
  '7FE00009',
  '7FE00010',
] as const;

/**
 * What a dataset says about the stored samples of one of its frames, and nothing about how they are shown: enough to
 * decode it, without bulk data.
 *
 * @throws ImageError no-pixels, missing-attribute, invalid-value, unsupported-pixels, limit-exceeded, or invalid-option
 *   for a frame that is not there.
 */
export function describePixels(dataset: DicomJson, transferSyntaxUid: string, frameIndex: number): FrameDescription {
  if (dataset['00280010'] === undefined && dataset['00280011'] === undefined) {
    throw new ImageError(
      'no-pixels',
      'The instance has no image: it has neither Rows (0028,0010) nor Columns (0028,0011).',
    );
  }
  const numberOfFrames = numberOf(dataset, '00280008') ?? 1;
  if (!Number.isInteger(frameIndex) || frameIndex < 0 || frameIndex >= Math.max(1, numberOfFrames)) {
    throw new ImageError('invalid-option', `There is no frame ${frameIndex + 1}: the instance has ${numberOfFrames}.`);
  }

  const layout = readLayout(dataset);
  const { rows, columns, samplesPerPixel, bitsAllocated } = layout;
  const frameBits = rows * columns * samplesPerPixel * bitsAllocated;
  const native = isNative(transferSyntaxUid);
  return {
    transferSyntaxUid,
    ...layout,
    bitOffset: native && bitsAllocated === 1 ? Number((BigInt(frameIndex) * BigInt(frameBits)) % 8n) : 0,
    swapWordBytes: isBigEndian(transferSyntaxUid) ? wordBytes(dataset, bitsAllocated) : 0,
    ...storedValues(),
  };
}

const segmentationSopClasses = ['1.2.840.10008.5.1.4.1.1.66.4', '1.2.840.10008.5.1.4.1.1.66.7'];

function readLayout(dataset: DicomJson): SampleLayout {
  const rows = requiredNumber(dataset, '00280010', 'Rows');
  const columns = requiredNumber(dataset, '00280011', 'Columns');
  if (!isCount(rows, 65535) || !isCount(columns, 65535)) {
    throw new ImageError('invalid-value', `Rows x Columns is ${rows} x ${columns}; both must be 1 to 65535.`);
  }
  const samplesPerPixel = numberOf(dataset, '00280002') ?? 1;
  if (samplesPerPixel !== 1 && samplesPerPixel !== 3) {
    throw new ImageError(
      'unsupported-pixels',
      `Samples per Pixel (0028,0002) is ${samplesPerPixel}; 1 and 3 can be shown.`,
    );
  }
  const bitsAllocated = requiredNumber(dataset, '00280100', 'Bits Allocated');
  const sampleType = readSampleType(dataset, bitsAllocated);
  if (!(sampleType === 'integer' ? [1, 8, 16, 32] : sampleType === 'float' ? [32] : [64]).includes(bitsAllocated)) {
    throw new ImageError(
      'unsupported-pixels',
      `Bits Allocated (0028,0100) of ${bitsAllocated} cannot be shown (${sampleType} pixels).`,
    );
  }
  checkDecodedSize(rows, columns, samplesPerPixel, Math.max(1, bitsAllocated / 8));

  const bitsStored = sampleType === 'integer' ? (numberOf(dataset, '00280101') ?? bitsAllocated) : bitsAllocated;
  const highBit = sampleType === 'integer' ? (numberOf(dataset, '00280102') ?? bitsStored - 1) : bitsAllocated - 1;
  if (!isCount(bitsStored, bitsAllocated) || highBit < bitsStored - 1 || highBit >= bitsAllocated) {
    throw new ImageError(
      'invalid-value',
      `Bits Stored ${bitsStored} with High Bit ${highBit} do not fit into Bits Allocated ${bitsAllocated}.`,
    );
  }
  return {
    rows,
    columns,
    samplesPerPixel,
    bitsAllocated,
    bitsStored,
    highBit,
    pixelRepresentation: numberOf(dataset, '00280103') === 1 ? 1 : 0,
    sampleType,
    // Left out by some old secondary captures; these two are then the only sensible readings.
    photometricInterpretation: textOf(dataset, '00280004') ?? (samplesPerPixel === 1 ? 'MONOCHROME2' : 'RGB'),
    planarConfiguration: samplesPerPixel > 1 && numberOf(dataset, '00280006') === 1 ? 1 : 0,
  };
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}

/** Which of the three pixel elements there is; a dataset without them tells by what only integers have, Bits Stored. */
function readSampleType(dataset: DicomJson, bitsAllocated: number): FrameDescription['sampleType'] {
  if (dataset['7FE00008']) return 'float';
  if (dataset['7FE00009'] || bitsAllocated === 64) return 'double';
  if (dataset['7FE00010'] || dataset['00280101'] || bitsAllocated !== 32) return 'integer';
  return 'float';
}

/** Big endian: OW and the like are swapped by word, OB is not (PS3.5 A.3, 7.3). */
function wordBytes(dataset: DicomJson, bitsAllocated: number): 0 | 2 | 4 | 8 {
  if (bitsAllocated > 8) return (bitsAllocated / 8) as 2 | 4 | 8;
  return dataset['7FE00010']?.vr === 'OW' ? 2 : 0;
}

/** The first item of a functional group that speaks about this frame; else the top level of the dataset. */
function groupOf(dataset: DicomJson, frameIndex: number, groupTag: string): DicomJson {
  const own = itemsOf(itemsOf(dataset, '52009230')[frameIndex], groupTag)[0];
  return own ?? itemsOf(itemsOf(dataset, '52009229')[0], groupTag)[0] ?? dataset;
}

/** Pixel Value Transformation, Modality LUT, or the Dose Grid Scaling of an RT Dose. */
export function readModality(
  dataset: DicomJson,
  frameIndex: number,
  isSigned: boolean,
  bulkData: BulkData | undefined,
): Pick<FrameDescription, 'rescaleSlope' | 'rescaleIntercept' | 'rescaleType' | 'modalityLut'> {
  const lutItem = itemsOf(dataset, '00283000')[0];
  const rescale = groupOf(dataset, frameIndex, '00289145');
  const slope = numberOf(rescale, '00281053') ?? numberOf(dataset, '3004000E');
  return {
    // A slope of 0 would make every pixel the same; it is met in files that fill in what they do not know.
    rescaleSlope: slope === undefined || slope === 0 ? 1 : slope,
    rescaleIntercept: numberOf(rescale, '00281052') ?? 0,
    rescaleType: lutItem ? textOf(lutItem, '00283004') : (textOf(rescale, '00281054') ?? textOf(dataset, '30040002')),
    modalityLut: lutItem ? readLut(lutItem, 'Modality LUT', isSigned, bulkData) : undefined,
  };
}

function readVoi(
  dataset: DicomJson,
  frameIndex: number,
  isSigned: boolean,
  bulkData: BulkData | undefined,
): Pick<FrameDescription, 'windows' | 'voiLut'> {
  const voi = groupOf(dataset, frameIndex, '00289132');
  const windows = readWindows(voi);
  const lutItem = itemsOf(voi, '00283010')[0];
  // The inputs of a VOI LUT are what the modality step gives: signed if the pixels are, or if rescaling can go below 0.
  const mayBeNegative = isSigned || (numberOf(groupOf(dataset, frameIndex, '00289145'), '00281052') ?? 0) < 0;
  return { windows, voiLut: lutItem ? readLut(lutItem, 'VOI LUT', mayBeNegative, bulkData) : undefined };
}

/** The windows of a dataset or of an item that has them as a dataset does (PS3.3 C.11.2). */
export function readWindows(voi: DicomJson): VoiWindow[] {
  const windowFunction = readWindowFunction(textOf(voi, '00281056'));
  const windows: VoiWindow[] = [];
  const count = voi['00281050']?.Value?.length ?? 0;
  for (let i = 0; i < count; i++) {
    const center = numberOf(voi, '00281050', i);
    const width = numberOf(voi, '00281051', i);
    if (center === undefined || width === undefined) continue;
    // A width of 0 is not a window, and is met. Below 1, LINEAR has no meaning (C.11.2.1.2); such windows are found where
    // rescaling makes small numbers (dose, maps), and LINEAR_EXACT is what they mean.
    if (width > 0)
      windows.push({
        center,
        width,
        function: windowFunction === 'LINEAR' && width < 1 ? 'LINEAR_EXACT' : windowFunction,
      });
  }
  return windows;
}

function readWindowFunction(text: string | undefined): WindowFunction {
  return text === 'SIGMOID' || text === 'LINEAR_EXACT' ? text : 'LINEAR';
}

function readPadding(dataset: DicomJson, isSigned: boolean, bitsAllocated: number): FrameDescription['padding'] {
  const value = numberOf(dataset, '00280120');
  if (value === undefined) return undefined;
  const limit = numberOf(dataset, '00280121') ?? value;
  // Its VR, US or SS, is by Pixel Representation, and often wrong.
  const fit = (stored: number): number => {
    if (bitsAllocated !== 16) return stored;
    return isSigned ? (stored << 16) >> 16 : stored & 0xffff;
  };
  return { first: Math.min(fit(value), fit(limit)), last: Math.max(fit(value), fit(limit)) };
}
