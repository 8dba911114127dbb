import sharp, { type Sharp } from 'sharp';
import type { FrameDescription } from './frame-description.js';
import { toGrey } from './grey.js';
import { ImageError } from './image-error.js';
import { picturePixelsMax } from './limits.js';
import { lookUp } from './lookup-table.js';
import type { Pixels } from './pixels.js';
import type { PictureFormat, RenderOptions, Viewport } from './render-options.js';

/** One patient's picture at a time is in memory, and none is kept: libvips would cache what it has worked on. */
sharp.cache(false);
/** The pool of worker processes is what runs in parallel. */
sharp.concurrency(1);

/** Eight bits a channel, for the screen. */
export interface Picture {
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
  /** 1 grey, 3 R G B. */
  channels: 1 | 3;
}

/** What is to be seen of a decoded frame. Windows are for grey images; colours are shown as they are. */
export function toPicture(pixels: Pixels, description: FrameDescription, window: RenderOptions['window']): Picture {
  const size = { width: pixels.columns, height: pixels.rows };
  if (/^MONOCHROME[12]$/.test(pixels.photometricInterpretation)) {
    return { ...size, channels: 1, data: toGrey(pixels, description, window) };
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
 * Encodes a picture, scaled into the viewport if there is one.
 *
 * @throws ImageError invalid-option, limit-exceeded
 */
export async function encodePicture(
  { data, width, height, channels }: Picture,
  { format, viewport, quality = 90 }: Pick<RenderOptions, 'format' | 'viewport' | 'quality'>,
): Promise<Buffer> {
  const source = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  const shown = viewport ? intoViewport(source, viewport, width, height) : source;
  return encode(channels === 1 ? shown.toColourspace('b-w') : shown, format, quality);
}

/** The last step to a file of the format. */
export function encode(picture: Sharp, format: PictureFormat, quality: number): Promise<Buffer> {
  if (!(quality >= 1 && quality <= 100))
    throw new ImageError('invalid-option', `Quality must be 1 to 100, not ${quality}.`);
  const rounded = Math.round(quality);
  switch (format) {
    case 'jpeg':
      // Huffman tables of its own make a picture 6 % smaller, and take longer than all the rest of encoding it.
      return picture.jpeg({ quality: rounded, chromaSubsampling: '4:4:4', optimiseCoding: false }).toBuffer();
    case 'png':
      return picture.png({ compressionLevel: 6 }).toBuffer();
    case 'gif':
      // The palette of a frame has 256 colours: all that grey ones have.
      return picture.gif({ effort: 3, dither: 0.5 }).toBuffer();
    case 'webp':
      return picture.webp({ quality: rounded }).toBuffer();
  }
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

function intoViewport(picture: Sharp, viewport: Viewport, columns: number, rows: number): Sharp {
  checkViewportSize(viewport);
  let shown = picture;
  let [width, height] = [columns, rows];
  if (viewport.source) {
    const { x, y } = viewport.source;
    if (![x, y, viewport.source.width, viewport.source.height].every(Number.isFinite)) {
      throw new ImageError('invalid-option', 'The source region of a viewport must be four numbers.');
    }
    // What lies outside of the image is left out; at least one pixel must be inside.
    const left = Math.max(0, Math.round(x));
    const top = Math.max(0, Math.round(y));
    width = Math.min(columns, Math.round(x + Math.abs(viewport.source.width))) - left;
    height = Math.min(rows, Math.round(y + Math.abs(viewport.source.height))) - top;
    if (width < 1 || height < 1) {
      throw new ImageError(
        'invalid-option',
        `The source region of the viewport shows nothing of an image of ${columns} x ${rows}.`,
      );
    }
    shown = shown.extract({ left, top, width, height });
    if (viewport.source.width < 0) shown = shown.flop();
    if (viewport.source.height < 0) shown = shown.flip();
  }
  const scale = Math.min(viewport.width / width, viewport.height / height);
  return shown.resize({
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
    fit: 'fill',
    kernel: 'cubic',
  });
}
