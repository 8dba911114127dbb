import type { DicomJson } from '#libs/dicom';
import { itemsOf, numberOf, numbersOf, textOf } from '../attributes.js';
import type { BulkData } from '../bulk-data.js';
import { readModality, readWindows } from '../describe-frame.js';
import type { FrameDescription, PresentationLut } from '../frame-description.js';
import { readLut, readPalette } from '../lookup-table.js';
import { activationLayer, type Overlay, readOverlays } from './overlay.js';
import type { Graphic, GraphicText, Point, Presentation, Shutter, Units } from './presentation.js';

/** What a presentation state says of one frame of one image. */
export interface AppliedPresentation {
  /** In place of what the image says of its values. */
  description: FrameDescription;
  presentation: Presentation;
  /** Those of the state that it has shown, and those it names of the image. */
  overlays: Overlay[];
  /** Of the state, for its bitmap shutter. */
  planes: Overlay[];
}

/** The image a presentation state is about. */
export interface PresentedImage {
  sopInstanceUid: string;
  /** Counting from 0. */
  frameIndex: number;
  description: FrameDescription;
  /** Those of the image itself. */
  overlays: Overlay[];
}

/** An image that a presentation state refers to, in its own words (PS3.3 C.11.11). */
export interface PresentedReference {
  seriesInstanceUid: string;
  sopInstanceUid: string;
  /** Counting from 1; all of them when empty. */
  frameNumbers: number[];
}

const pseudoColorState = '1.2.840.10008.5.1.4.1.1.11.3';

/** Blending Softcopy Presentation State Storage: one set of images over another. */
export const blendingState = '1.2.840.10008.5.1.4.1.1.11.4';

/** The presentation states that are applied: grey, colour, pseudo-colour, blending, and grey of XA and XRF. */
export const presentationStateSopClasses = [
  '1.2.840.10008.5.1.4.1.1.11.1',
  '1.2.840.10008.5.1.4.1.1.11.2',
  pseudoColorState,
  blendingState,
  '1.2.840.10008.5.1.4.1.1.11.5',
];

/** Those that are not, by what they are called (PS3.6 A). */
export const otherPresentationStates: Readonly<Record<string, string>> = {
  '1.2.840.10008.5.1.4.1.1.11.6': 'Grayscale Planar MPR Volumetric Presentation State',
  '1.2.840.10008.5.1.4.1.1.11.7': 'Compositing Planar MPR Volumetric Presentation State',
  '1.2.840.10008.5.1.4.1.1.11.8': 'Advanced Blending Presentation State',
  '1.2.840.10008.5.1.4.1.1.11.9': 'Volume Rendering Volumetric Presentation State',
  '1.2.840.10008.5.1.4.1.1.11.10': 'Segmented Volume Rendering Volumetric Presentation State',
  '1.2.840.10008.5.1.4.1.1.11.11': 'Multiple Volume Rendering Volumetric Presentation State',
  '1.2.840.10008.5.1.4.1.1.11.12': 'Variable Modality LUT Softcopy Presentation State',
};

/** The images it is about, in its own order; or those of an item of its Blending Sequence. */
export function presentedImages(state: DicomJson): PresentedReference[] {
  return itemsOf(state, '00081115').flatMap((series) =>
    itemsOf(series, '00081140').flatMap((image) => {
      const seriesInstanceUid = textOf(series, '0020000E');
      const sopInstanceUid = textOf(image, '00081155');
      if (seriesInstanceUid === undefined || sopInstanceUid === undefined) return [];
      return [{ seriesInstanceUid, sopInstanceUid, frameNumbers: numbersOf(image, '00081160') }];
    }),
  );
}

/**
 * Puts what a presentation state says in place of what the image says (PS3.4 N.2.1): what it does not say of grey values
 * is not done at all, whatever the image would have.
 *
 * @param bulkData Of the state: what bulkDataForRendering named.
 * @throws ImageError missing-bulk-data, missing-attribute, invalid-value, truncated
 */
export function applyPresentation(state: DicomJson, image: PresentedImage, bulkData?: BulkData): AppliedPresentation {
  const planes = readOverlays(state, image.frameIndex, bulkData);
  return {
    description: describePresented(state, image, bulkData),
    presentation: readPresentation(state, image),
    overlays: [
      ...planes.filter(({ group }) => activationLayer(state, group) !== undefined && group !== shutterGroup(state)),
      ...image.overlays.filter(
        ({ group }) => activationLayer(state, group) !== undefined && !planes.some((plane) => plane.group === group),
      ),
    ],
    planes,
  };
}

/** All that a state says of an image but its values. */
export function readPresentation(state: DicomJson, image: PresentedImage): Presentation {
  const isAbout = (item: DicomJson): boolean => refersTo(item, image);
  const colors = layerColors(state);
  const annotations = itemsOf(state, '00700001').filter(isAbout);
  const area = itemsOf(state, '0070005A').find(isAbout);
  const rotation = (((numberOf(state, '00700042') ?? 0) % 360) + 360) % 360;
  const displayedArea = area && readArea(area);
  return {
    shutters: readShutters(state),
    shutterGrey: Math.round(((numberOf(state, '00181622') ?? 0) & 0xffff) / 257),
    rotation: rotation === 90 || rotation === 180 || rotation === 270 ? rotation : 0,
    isFlipped: textOf(state, '00700041') === 'Y',
    ...(displayedArea && { displayedArea }),
    pixelAspectRatio: readAspectRatio(area),
    graphics: annotations.flatMap((item) => readGraphics(item, colors)),
    texts: annotations.flatMap((item) => readTexts(item, colors)),
  };
}

/** An item without references is about all images (PS3.3 C.11.8, C.10.5). */
function refersTo(item: DicomJson, { sopInstanceUid, frameIndex }: PresentedImage): boolean {
  const references = itemsOf(item, '00081140');
  if (references.length === 0) return true;
  return references.some((reference) => {
    if (textOf(reference, '00081155') !== sopInstanceUid) return false;
    const frames = numbersOf(reference, '00081160');
    return frames.length === 0 || frames.includes(frameIndex + 1);
  });
}

/**
 * An image as a state has its values shown.
 * @param state or an item of one, which says of some images what a state says of all of its own
 */
export function describePresented(
  state: DicomJson,
  image: PresentedImage,
  bulkData: BulkData | undefined,
): FrameDescription {
  const { description } = image;
  if (description.samplesPerPixel !== 1 || description.palette !== undefined) return description;
  const isSigned = description.pixelRepresentation === 1;
  const modality = readModality(state, 0, isSigned, bulkData);
  const voi = itemsOf(state, '00283110').find((item) => refersTo(item, image));
  const lutItem = voi && itemsOf(voi, '00283010')[0];
  const mayBeNegative = isSigned || modality.rescaleIntercept < 0;
  const windows = voi === undefined ? [] : readWindows(voi);
  const voiLut = lutItem && readLut(lutItem, 'VOI LUT', mayBeNegative, bulkData);
  const isPseudoColor = textOf(state, '00080016') === pseudoColorState;
  // It has no Presentation LUT: the palette alone says what is bright, whatever the image says of its values.
  const presentationLut = isPseudoColor ? 'IDENTITY' : readPresentationLut(state, bulkData);
  return {
    ...description,
    ...modality,
    windows: windows.length > 0 || voiLut ? windows : [allOf({ ...description, ...modality })],
    voiLut,
    ...(presentationLut !== undefined && { presentationLut }),
    ...(isPseudoColor && { pseudoColor: readPalette(state, false, bulkData) }),
  };
}

/** Without a VOI step all values are shown, from the lowest that can be to the highest. */
function allOf(description: FrameDescription): FrameDescription['windows'][number] {
  const { bitsStored, pixelRepresentation, rescaleSlope, rescaleIntercept, modalityLut } = description;
  if (modalityLut) {
    const highest = 2 ** modalityLut.bits - 1;
    return { center: highest / 2, width: highest, function: 'LINEAR_EXACT' };
  }
  const lowest = pixelRepresentation === 1 ? -(2 ** (bitsStored - 1)) : 0;
  const span = 2 ** bitsStored - 1;
  return {
    center: (lowest + span / 2) * rescaleSlope + rescaleIntercept,
    width: span * Math.abs(rescaleSlope),
    function: 'LINEAR_EXACT',
  };
}

function readPresentationLut(state: DicomJson, bulkData: BulkData | undefined): PresentationLut | undefined {
  const item = itemsOf(state, '20500010')[0];
  if (item) return readLut(item, 'Presentation LUT', false, bulkData);
  const shape = textOf(state, '20500020');
  return shape === 'INVERSE' || shape === 'IDENTITY' ? shape : undefined;
}

/** Layers by name, with the colour that is recommended for each, or white (PS3.3 C.10.7). */
function layerColors(state: DicomJson): Map<string, string> {
  const colors = new Map<string, string>();
  for (const layer of itemsOf(state, '00700060')) {
    const name = textOf(layer, '00700002');
    const grey = numberOf(layer, '00700066');
    const lab = numbersOf(layer, '00700401');
    if (name === undefined) continue;
    if (lab.length === 3) colors.set(name, cssOfLab(lab as [number, number, number]));
    else if (grey !== undefined)
      colors.set(name, `rgb(${Array.from({ length: 3 }, () => Math.round(grey / 257)).join()})`);
  }
  return colors;
}

/** CIELab in 16 bits (PS3.3 C.10.7.1.1): L* of 0 to 100, a* and b* of -128 to 127, under D50; as sRGB. */
function cssOfLab([l, a, b]: [number, number, number]): string {
  const y = ((l / 65535) * 100 + 16) / 116;
  const x = y + ((a / 65535) * 255 - 128) / 500;
  const z = y - ((b / 65535) * 255 - 128) / 200;
  const cubed = (t: number): number => (t > 6 / 29 ? t ** 3 : 3 * (6 / 29) ** 2 * (t - 4 / 29));
  const xyz = [0.9642 * cubed(x), cubed(y), 0.8249 * cubed(z)];
  const channels = labToSrgb.map((row) => {
    const linear = row.reduce((sum, factor, i) => sum + factor * (xyz[i] as number), 0);
    const encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
    return Math.round(Math.min(Math.max(encoded, 0), 1) * 255);
  });
  return `rgb(${channels.join()})`;
}

/** From XYZ under D50 to linear sRGB, which is under D65 (Bradford). */
const labToSrgb = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
];

const shutterGroup = (state: DicomJson): number | undefined => numberOf(state, '00181623');

function readShutters(state: DicomJson): Shutter[] {
  const shapes = state['00181600']?.Value ?? [];
  return shapes.flatMap((shape): Shutter[] => {
    const number = (tag: string, at = 0) => numberOf(state, tag, at);
    switch (shape) {
      case 'RECTANGULAR': {
        const [left, right, top, bottom] = ['00181602', '00181604', '00181606', '00181608'].map((tag) => number(tag));
        if (left === undefined || right === undefined || top === undefined || bottom === undefined) return [];
        return [{ shape: 'rectangle', left: left - 1, right: right - 1, top: top - 1, bottom: bottom - 1 }];
      }
      case 'CIRCULAR': {
        const [y, x, radius] = [number('00181610'), number('00181610', 1), number('00181612')];
        if (x === undefined || y === undefined || radius === undefined) return [];
        return [{ shape: 'circle', x: x - 1, y: y - 1, radius }];
      }
      case 'POLYGONAL': {
        const values = numbersOf(state, '00181620');
        const points = pairs(values).map(({ x: row, y: column }) => ({ x: column - 1, y: row - 1 }));
        return points.length < 3 ? [] : [{ shape: 'polygon', points }];
      }
      case 'BITMAP': {
        const group = shutterGroup(state);
        return group === undefined ? [] : [{ shape: 'bitmap', group }];
      }
      default:
        return [];
    }
  });
}

function readArea(item: DicomJson): Presentation['displayedArea'] {
  const [x1, y1] = numbersOf(item, '00700052');
  const [x2, y2] = numbersOf(item, '00700053');
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return undefined;
  // Of a rotated or flipped image the corner at the top left is another one of its own.
  const [left, right] = [Math.min(x1, x2) - 1, Math.max(x1, x2)];
  const [top, bottom] = [Math.min(y1, y2) - 1, Math.max(y1, y2)];
  return { left, top, right, bottom };
}

function readAspectRatio(area: DicomJson | undefined): number {
  const [vertical, horizontal] = area ? numbersOf(area, '00700101') : [];
  const [rows, columns] = area ? numbersOf(area, '00700102') : [];
  const ratio =
    vertical !== undefined && horizontal !== undefined ? vertical / horizontal : (rows ?? 1) / (columns ?? 1);
  return Number.isFinite(ratio) && ratio > 0.05 && ratio < 20 ? ratio : 1;
}

const unitsOf = (item: DicomJson, tag: string): Units => (textOf(item, tag) === 'DISPLAY' ? 'display' : 'pixel');

const graphicsMax = 2000;
const pointsMax = 20_000;

const kinds: Readonly<Record<string, Graphic['kind']>> = {
  POINT: 'point',
  POLYLINE: 'line',
  INTERPOLATED: 'curve',
  CIRCLE: 'circle',
  ELLIPSE: 'ellipse',
};

function readGraphics(annotation: DicomJson, colors: Map<string, string>): Graphic[] {
  const color = colors.get(textOf(annotation, '00700002') ?? '') ?? '#ffffff';
  return itemsOf(annotation, '00700009')
    .slice(0, graphicsMax)
    .flatMap((item) => {
      const kind = kinds[textOf(item, '00700023') ?? ''];
      if (kind === undefined) return [];
      const points = pairs(numbersOf(item, '00700022')).slice(0, pointsMax);
      const isFilled = textOf(item, '00700024') === 'Y';
      return [{ units: unitsOf(item, '00700005'), kind, points, isFilled, color }];
    });
}

function readTexts(annotation: DicomJson, colors: Map<string, string>): GraphicText[] {
  const color = colors.get(textOf(annotation, '00700002') ?? '') ?? '#ffffff';
  return itemsOf(annotation, '00700008')
    .slice(0, graphicsMax)
    .map((item) => {
      const [topLeft, bottomRight] = ['00700010', '00700011'].map((tag) => pairs(numbersOf(item, tag))[0]);
      const point = pairs(numbersOf(item, '00700014'))[0];
      const isVisible = textOf(item, '00700015') === 'Y';
      return {
        lines: (textOf(item, '00700006') ?? '').split(/\r\n|\n|\r/),
        color,
        ...(topLeft && bottomRight && { box: { units: unitsOf(item, '00700003'), topLeft, bottomRight } }),
        ...(point && { anchor: { units: unitsOf(item, '00700004'), point, isVisible } }),
      };
    });
}

function pairs(values: number[]): Point[] {
  return Array.from({ length: values.length >> 1 }, (_, i) => ({
    x: values[2 * i] as number,
    y: values[2 * i + 1] as number,
  }));
}
