import sharp, { type Sharp } from 'sharp';
import { drawAnnotation } from './annotation.js';
import type { ColorOptions } from './color/icc-profile.js';
import { inColorSpace, managedColors } from './color/manage-color.js';
import type { FrameDescription } from './frame-description.js';
import { toGrey } from './grey.js';
import { ImageError } from './image-error.js';
import { encodeJpeg, jpegOptions } from './jpeg-baseline.js';
import { picturePixelsMax } from './limits.js';
import { lookUp } from './lookup-table.js';
import type { Picture, Pixels } from './pixels.js';
import { drawGraphics } from './presentation/draw-graphics.js';
import { geometryOf, type Region } from './presentation/geometry.js';
import type { Presentation } from './presentation/presentation.js';
import { reorient } from './presentation/reorient.js';
import { inPseudoColor } from './pseudo-color.js';
import { shrinkWhole } from './shrink.js';
import { encodeJpegXl } from './wasm-codecs.js';
import type { PictureFormat, RenderOptions, Viewport } from './render-options.js';

/** One patient's picture at a time is in memory, and none is kept: libvips would cache what it has worked on. */
sharp.cache(false);
/** The pool of worker processes is what runs in parallel. */
sharp.concurrency(1);

/** What is to be seen of a decoded frame. Windows are for grey images; colours are shown as they are. */
export function toPicture(pixels: Pixels, description: FrameDescription, window: RenderOptions['window']): Picture {
  const size = { width: pixels.columns, height: pixels.rows };
  if (/^MONOCHROME[12]$/.test(pixels.photometricInterpretation)) {
    const grey = toGrey(pixels, description, window);
    if (description.pseudoColor) return { ...size, channels: 3, data: inPseudoColor(grey, description.pseudoColor) };
    return { ...size, channels: 1, data: grey };
  }
  if (description.palette) return { ...size, channels: 3, data: throughPalette(pixels, description.palette) };
  if (pixels.photometricInterpretation === 'RGB') {
    return { ...size, channels: 3, data: toBytes(pixels, description) };
  }
  throw new ImageError(
    'unsupported-pixels',
    `Photometric Interpretation ${pixels.photometricInterpretation} cannot be shown.`,
  );
}

function throughPalette(
  { data }: Pixels,
  { red, green, blue }: NonNullable<FrameDescription['palette']>,
): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array(data.length * 3);
  [red, green, blue].forEach((table, channel) => {
    const shift = Math.max(0, table.bits - 8);
    for (let i = 0; i < data.length; i++) rgb[3 * i + channel] = lookUp(table, data[i] as number) >> shift;
  });
  return rgb;
}

function toBytes({ data }: Pixels, { bitsStored, pixelRepresentation }: FrameDescription): Uint8Array<ArrayBuffer> {
  if (pixelRepresentation === 1) throw new ImageError('unsupported-pixels', 'Colours with a sign cannot be shown.');
  if (bitsStored <= 8) return Uint8Array.from(data as Uint8Array);
  const shift = bitsStored - 8;
  return Uint8Array.from(data as Uint16Array, (value) => value >>> shift);
}

/**
 * Encodes a picture: as a presentation state has it, scaled into the viewport if there is one, with text in its corners.
 *
 * @throws ImageError invalid-option, limit-exceeded
 */
export async function encodePicture(picture: Picture, options: RenderOptions): Promise<Buffer> {
  const { format, viewport, quality = 90, presentation, annotation, color } = options;
  if (format === 'jxl' && color !== undefined) checkJpegXlColor(color);
  if (viewport) checkViewportSize(viewport);
  const presented = presentation && present(picture, presentation, viewport);
  const { data, width, height, channels } = presented?.picture ?? shrunkInto(picture, viewport) ?? picture;
  if (format === 'jpeg' && isShownAsItIs(options, width, height)) {
    return encodeJpeg({ data, width, height, channels }, checkedQuality(quality));
  }
  const isManaged = color !== undefined && channels === 3;
  let shown = isManaged
    ? await managedColors({ data, width, height }, color)
    : sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  let size = { width, height };
  if (presented) size = presented.size;
  else if (viewport) {
    const source = sourceOf(viewport, width, height);
    size = fittedSize(viewport, source);
    shown = cutOut(shown, viewport, source, width, height);
  }
  if (size.width !== width || size.height !== height || viewport?.source) {
    shown = shown.resize({ ...size, fit: 'fill', kernel: 'cubic' });
  }
  const drawings = [presented?.graphics, annotation && drawAnnotation(annotation, size.width, size.height)];
  const layers = drawings.filter((svg) => svg !== undefined).map((svg) => ({ input: Buffer.from(svg) }));
  if (layers.length > 0) shown = shown.composite(layers).removeAlpha();
  if (isManaged) shown = inColorSpace(shown, color);
  else if (channels === 1 && !presented?.isColored && color === undefined) shown = shown.toColourspace('b-w');
  else if (color !== undefined) shown = inColorSpace(shown.toColourspace('srgb'), { space: color.space });
  return encode(shown, format, quality);
}

/** Nothing is left to do for a picture of that size, but to encode it. */
function isShownAsItIs({ viewport, presentation, annotation, color }: RenderOptions, width: number, height: number) {
  if ([presentation, annotation, color, viewport?.source].some((more) => more !== undefined)) return false;
  const size = viewport ? fittedSize(viewport, { width, height }) : { width, height };
  return size.width === width && size.height === height;
}

function shrunkInto(picture: Picture, viewport: Viewport | undefined): Picture | undefined {
  if (viewport === undefined || viewport.source) return undefined;
  const { width, height } = fittedSize(viewport, picture);
  return shrinkWhole(picture, width, height);
}

/** A picture as its presentation state has it, still to be scaled to its size. */
function present(picture: Picture, asked: Presentation, viewport: Viewport | undefined) {
  const presentation = viewport?.source ? lookingAt(asked, viewport.source, picture) : asked;
  const geometry = geometryOf(presentation, picture.width, picture.height, viewport);
  const { graphics, texts } = presentation;
  return {
    picture: reorient(picture, geometry),
    size: { width: geometry.width, height: geometry.height },
    graphics: drawGraphics(presentation, geometry),
    isColored: [...graphics, ...texts].some(({ color }) => !/^(?:#ffffff|rgb\((\d+),\1,\1\))$/.test(color)),
  };
}

/** The region asked for goes before the one of the presentation state. */
function lookingAt(presentation: Presentation, source: Source, { width, height }: Picture): Presentation {
  const { left, top, width: across, height: down } = sourceOf({ source }, width, height);
  return {
    ...presentation,
    displayedArea: { left, top, right: left + across, bottom: top + down },
    isFlipped: presentation.isFlipped !== source.width < 0,
  };
}

/** The last step to a file of the format. */
export function encode(picture: Sharp, format: PictureFormat, quality: number): Promise<Buffer> {
  const rounded = checkedQuality(quality);
  switch (format) {
    case 'jpeg':
      return picture.jpeg(jpegOptions(rounded)).toBuffer();
    case 'png':
      return picture.png({ compressionLevel: 6 }).toBuffer();
    case 'gif':
      // The palette of a frame has 256 colours: all that grey ones have.
      return picture.gif({ effort: 3, dither: 0.5 }).toBuffer();
    case 'webp':
      return picture.webp({ quality: rounded }).toBuffer();
    case 'jxl':
      return toJpegXl(picture, rounded);
  }
}

/** @throws ImageError invalid-option */
function checkedQuality(quality: number): number {
  if (quality >= 1 && quality <= 100) return Math.round(quality);
  throw new ImageError('invalid-option', `Quality must be 1 to 100, not ${quality}.`);
}

/** libvips as sharp ships it has no libjxl. */
async function toJpegXl(picture: Sharp, quality: number): Promise<Buffer> {
  const colors = picture.toColourspace('srgb').removeAlpha().raw();
  const { data, info } = await colors.toBuffer({ resolveWithObject: true });
  return encodeJpegXl({ data, width: info.width, height: info.height }, quality);
}

/** The encoder takes no profile. @throws ImageError invalid-option */
function checkJpegXlColor({ space, source }: ColorOptions): void {
  if (space === 'srgb' || (space === 'yes' && source === undefined)) return;
  throw new ImageError(
    'invalid-option',
    'Pictures in JPEG XL are in sRGB here: ask for iccprofile=srgb, or for another format.',
  );
}

/** @throws ImageError invalid-option, limit-exceeded */
export function checkViewportSize({ width, height }: { width: number; height: number }): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new ImageError(
      'invalid-option',
      `A viewport must be whole pixels and at least 1 x 1, not ${width} x ${height}.`,
    );
  }
  if (width * height > picturePixelsMax) {
    throw new ImageError(
      'limit-exceeded',
      `A viewport of ${width} x ${height} is over the limit of ${picturePixelsMax} pixels.`,
    );
  }
}

type Source = NonNullable<Viewport['source']>;

/** The part of an image that a viewport shows: what lies outside of the image is left out. @throws ImageError invalid-option */
export function sourceOf({ source }: Pick<Viewport, 'source'>, columns: number, rows: number): Region {
  if (source === undefined) return { left: 0, top: 0, width: columns, height: rows };
  const { x, y } = source;
  if (![x, y, source.width, source.height].every(Number.isFinite)) {
    throw new ImageError('invalid-option', 'The source region of a viewport must be four numbers.');
  }
  const left = Math.max(0, Math.round(x));
  const top = Math.max(0, Math.round(y));
  const width = Math.min(columns, Math.round(x + Math.abs(source.width))) - left;
  const height = Math.min(rows, Math.round(y + Math.abs(source.height))) - top;
  if (width < 1 || height < 1) {
    throw new ImageError(
      'invalid-option',
      `The source region of the viewport shows nothing of an image of ${columns} x ${rows}.`,
    );
  }
  return { left, top, width, height };
}

export function fittedSize(
  viewport: Pick<Viewport, 'width' | 'height'>,
  { width, height }: { width: number; height: number },
) {
  const scale = Math.min(viewport.width / width, viewport.height / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export function cutOut(picture: Sharp, { source }: Viewport, region: Region, columns: number, rows: number): Sharp {
  const isWhole = region.width === columns && region.height === rows;
  let shown = isWhole ? picture : picture.extract(region);
  if (source !== undefined && source.width < 0) shown = shown.flop();
  if (source !== undefined && source.height < 0) shown = shown.flip();
  return shown;
}
