import { max, min, round } from '../math.js';
import { explicitLittleEndian, writePart10 } from '#libs/dicom';
import {
  sampleAttributes,
  sampleDate,
  type SampleDescription,
  sampleUid,
  syntheticComment,
  toDicomJson,
} from '../sample-dataset.js';
import { growLungs, type Lungs } from './lungs.js';
import { paintSlice } from './paint-slice.js';
import type { SliceGrid } from './slice-grid.js';

const sample: SampleDescription = {
  number: 1,
  name: 'Chest',
  modality: 'CT',
  description: 'CT chest without contrast (synthetic)',
  seriesDescription: 'Chest axial 5 mm, standard kernel',
  age: 64,
  sex: 'M',
  time: '091000',
};

const fieldOfView = 380;
const size = 512;
const thickness = 5;
/** Height of the topmost slice, mm; the lungs end below it, and above the lowest one. */
const top = 135;
const intercept = -1024;

export const chestGrid: SliceGrid = {
  size,
  spacing: fieldOfView / size,
  originX: (-(size - 1) / 2) * (fieldOfView / size),
  originY: (-(size - 1) / 2) * (fieldOfView / size) + 6,
};

/** Number of slices, head to feet. */
export const chestSlices = 60;

/**
 * A chest CT of a body that never was: axial slices from above the lungs to below them, without contrast, with
 * centrilobular emphysema of the upper lobes. One instance at a time (0.5 MB, about a tenth of a second).
 */
export function* makeChestCt(): Generator<Buffer> {
  const lungs = growLungs(20250115);
  for (let index = 0; index < chestSlices; index++) yield makeChestSlice(index, lungs);
}

/** One instance of {@link makeChestCt}, 0 the topmost. */
export function makeChestSlice(index: number, lungs: Lungs): Buffer {
  const z = top - index * thickness;
  return describeSlice(index, z, toStored(paintSlice(z, thickness, lungs, chestGrid, 1000 + index)));
}

function toStored(hu: Float32Array): Uint8Array {
  const stored = Buffer.alloc(hu.length * 2);
  hu.forEach((value, at) => stored.writeUInt16LE(min(4095, max(0, round(value) - intercept)), at * 2));
  return stored;
}

function describeSlice(index: number, z: number, pixels: Uint8Array): Buffer {
  return writePart10(
    toDicomJson({
      ...sampleAttributes(sample),
      ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      SOPInstanceUID: sampleUid(sample, `slice ${index + 1}`),
      AcquisitionDate: sampleDate,
      AcquisitionTime: sample.time,
      BodyPartExamined: 'CHEST',
      ScanOptions: 'HELICAL MODE',
      SliceThickness: thickness,
      KVP: 120,
      SpacingBetweenSlices: thickness,
      DataCollectionDiameter: 500,
      ProtocolName: 'Chest routine',
      ReconstructionDiameter: fieldOfView,
      GantryDetectorTilt: 0,
      TableHeight: 148,
      RotationDirection: 'CW',
      ExposureTime: 500,
      XRayTubeCurrent: 200,
      Exposure: 100,
      FilterType: 'BODY',
      FocalSpots: 0.7,
      ConvolutionKernel: 'STANDARD',
      PatientPosition: 'HFS',
      AcquisitionNumber: 1,
      InstanceNumber: index + 1,
      ImagePositionPatient: [decimal(chestGrid.originX), decimal(chestGrid.originY), z],
      ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
      FrameOfReferenceUID: sampleUid(sample, 'frame of reference'),
      PositionReferenceIndicator: [],
      SliceLocation: z,
      ImageComments: syntheticComment,
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      Rows: size,
      Columns: size,
      PixelSpacing: [decimal(chestGrid.spacing), decimal(chestGrid.spacing)],
      BitsAllocated: 16,
      BitsStored: 12,
      HighBit: 11,
      PixelRepresentation: 0,
      BurnedInAnnotation: 'NO',
      WindowCenter: [-600, 40],
      WindowWidth: [1500, 400],
      WindowCenterWidthExplanation: ['LUNG', 'MEDIASTINUM'],
      RescaleIntercept: intercept,
      RescaleSlope: 1,
      RescaleType: 'HU',
      LossyImageCompression: '00',
      PixelData: pixels,
    }),
    explicitLittleEndian,
  );
}

/** At most 16 characters, as a DS allows. */
function decimal(value: number): string {
  return String(Number(value.toFixed(8)));
}
