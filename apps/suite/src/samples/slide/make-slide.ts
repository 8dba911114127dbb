import { writePart10 } from '#libs/dicom';
import { srgbInputProfile } from '#libs/images';
import {
  type Attributes,
  code,
  sampleAttributes,
  sampleDate,
  type SampleDescription,
  sampleUid,
  syntheticComment,
  toDicomJson,
} from '../sample-dataset.js';
import { encodeTile } from './encode-tile.js';
import { cropped, halved, type Picture } from './picture.js';
import { transmit } from './stain.js';
import { makeTissue } from './tissue.js';

const sample: SampleDescription = {
  number: 3,
  name: 'Colon',
  modality: 'SM',
  description: 'H&E biopsy of colon (synthetic)',
  seriesDescription: 'Haematoxylin and eosin, 20x',
  age: 58,
  sex: 'F',
  time: '141500',
};

const jpegBaseline = '1.2.840.10008.1.2.4.50';
const columns = 4096;
const rows = 3072;
const tileSize = 256;
const levels = 4;
/** Millimetres a pixel at full resolution: a 20x objective. */
const pixelSpacing = 0.0005;

/**
 * A slide as a scanner stores it: a pyramid of levels, each half the one before, in tiles of JPEG, and a thumbnail
 * (VL Whole Slide Microscopy Image, PS3.3 A.32.8, TILED_FULL). One instance at a time, the largest first.
 */
export async function* makeSlide(): AsyncGenerator<Buffer> {
  const tissue = makeTissue(columns, rows, 5);
  let picture: Picture = { columns, rows, rgb: transmit(tissue.haematoxylin, tissue.eosin, 17) };
  for (let level = 0; level < levels; level++) {
    if (level > 0) picture = halved(picture);
    yield await writeLevel(picture, level, tileSize, tileSize, 'VOLUME');
  }
  yield await writeLevel(picture, levels, picture.columns, picture.rows, 'THUMBNAIL');
}

async function writeLevel(
  picture: Picture,
  level: number,
  tileColumns: number,
  tileRows: number,
  flavour: 'VOLUME' | 'THUMBNAIL',
): Promise<Buffer> {
  const tiles: Buffer[] = [];
  for (let top = 0; top < picture.rows; top += tileRows) {
    for (let left = 0; left < picture.columns; left += tileColumns) {
      tiles.push(await encodeTile(cropped(picture, left, top, tileColumns, tileRows), tileColumns, tileRows));
    }
  }
  const bytes = tiles.reduce((sum, tile) => sum + tile.length, 0);
  const imageType = [level === 0 ? 'ORIGINAL' : 'DERIVED', 'PRIMARY', flavour, level === 0 ? 'NONE' : 'RESAMPLED'];
  const spacing = (pixelSpacing * columns) / picture.columns;
  const dataset = toDicomJson({
    ...sampleAttributes(sample),
    ...specimen(),
    ImageType: imageType,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.77.1.6',
    SOPInstanceUID: sampleUid(sample, `level ${level}`),
    AcquisitionDateTime: `${sampleDate}${sample.time}`,
    InstanceNumber: level + 1,
    FrameOfReferenceUID: sampleUid(sample, 'frame of reference'),
    PositionReferenceIndicator: 'SLIDE_CORNER',
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: sampleUid(sample, 'dimensions') }],
    DimensionOrganizationType: 'TILED_FULL',
    PyramidUID: sampleUid(sample, 'pyramid'),
    ImageComments: syntheticComment,
    SamplesPerPixel: 3,
    // What a slide's JPEG is called whatever its subsampling, which the codestream itself tells (PS3.3 C.7.6.3.1.2).
    PhotometricInterpretation: 'YBR_FULL_422',
    PlanarConfiguration: 0,
    NumberOfFrames: tiles.length,
    Rows: tileRows,
    Columns: tileColumns,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    BurnedInAnnotation: 'NO',
    LossyImageCompression: '01',
    LossyImageCompressionRatio: ((tiles.length * tileRows * tileColumns * 3) / bytes).toFixed(2),
    LossyImageCompressionMethod: 'ISO_10918_1',
    ImagedVolumeWidth: columns * pixelSpacing,
    ImagedVolumeHeight: rows * pixelSpacing,
    ImagedVolumeDepth: 0.004,
    TotalPixelMatrixColumns: picture.columns,
    TotalPixelMatrixRows: picture.rows,
    TotalPixelMatrixFocalPlanes: 1,
    TotalPixelMatrixOriginSequence: [{ XOffsetInSlideCoordinateSystem: 14, YOffsetInSlideCoordinateSystem: 40 }],
    ImageOrientationSlide: [0, -1, 0, -1, 0, 0],
    VolumetricProperties: 'VOLUME',
    SpecimenLabelInImage: 'NO',
    FocusMethod: 'AUTO',
    ExtendedDepthOfField: 'NO',
    NumberOfOpticalPaths: 1,
    OpticalPathSequence: [opticalPath()],
    AcquisitionContextSequence: [],
    SharedFunctionalGroupsSequence: [
      {
        PixelMeasuresSequence: [{ SliceThickness: 0.004, PixelSpacing: [spacing, spacing] }],
        OpticalPathIdentificationSequence: [{ OpticalPathIdentifier: '1' }],
        WholeSlideMicroscopyImageFrameTypeSequence: [{ FrameType: imageType }],
      },
    ],
  });
  // One fragment a frame: several readers of slides take nothing else.
  dataset['7FE00010'] = { vr: 'OB', Value: tiles };
  return writePart10(dataset, jpegBaseline);
}

function opticalPath(): Attributes {
  return {
    OpticalPathIdentifier: '1',
    OpticalPathDescription: 'Brightfield',
    IlluminationTypeCodeSequence: [code('111744', 'DCM', 'Brightfield illumination')],
    IlluminationColorCodeSequence: [code('414298005', 'SCT', 'Full Spectrum')],
    ObjectiveLensPower: 20,
    ObjectiveLensNumericalAperture: 0.75,
    ICCProfile: srgbInputProfile(),
    ColorSpace: 'SRGB',
  };
}

/** The glass and the piece of tissue on it, and how it was stained (PS3.3 C.7.6.22). */
function specimen(): Attributes {
  const name = `SAMPLE-${sample.number}-A1`;
  const step = (type: Attributes, ...stains: Attributes[]): Attributes => ({
    SpecimenPreparationStepContentItemSequence: [
      { ValueType: 'TEXT', ConceptNameCodeSequence: [code('121041', 'DCM', 'Specimen Identifier')], TextValue: name },
      {
        ValueType: 'CODE',
        ConceptNameCodeSequence: [code('111701', 'DCM', 'Processing type')],
        ConceptCodeSequence: [type],
      },
      ...stains.map((stain) => ({
        ValueType: 'CODE',
        ConceptNameCodeSequence: [code('424361007', 'SCT', 'Using substance')],
        ConceptCodeSequence: [stain],
      })),
    ],
  });
  return {
    ContainerIdentifier: name,
    IssuerOfTheContainerIdentifierSequence: [],
    ContainerTypeCodeSequence: [code('433466003', 'SCT', 'Microscope slide')],
    SpecimenDescriptionSequence: [
      {
        SpecimenIdentifier: name,
        SpecimenUID: sampleUid(sample, 'specimen'),
        IssuerOfTheSpecimenIdentifierSequence: [],
        SpecimenShortDescription: 'Synthetic colon mucosa',
        SpecimenPreparationSequence: [
          step(
            code('127790008', 'SCT', 'Staining'),
            code('12710003', 'SCT', 'hematoxylin stain'),
            code('36879007', 'SCT', 'water soluble eosin stain'),
          ),
        ],
        PrimaryAnatomicStructureSequence: [code('71854001', 'SCT', 'Colon')],
      },
    ],
  };
}
