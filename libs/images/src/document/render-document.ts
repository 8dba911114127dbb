import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { PDFiumDocument } from '@hyzyla/pdfium';
import sharp, { type Sharp } from 'sharp';
import { ImageError } from '../image-error.js';
import { checkViewportSize, cutOut, encode, fittedSize, sourceOf } from '../picture.js';
import type { DocumentOptions, Viewport } from '../render-options.js';

/** A point is 1/72 inch: pages without a viewport are drawn at 150 dots an inch. */
const pixelsPerPoint = 150 / 72;
/** Of a page without a viewport: a poster is drawn smaller, rather than not at all. */
const sideMax = 4096;
/** Of a page of which a part is shown. */
const pagePixelsMax = 2 * sideMax * sideMax;

let wasm: Promise<ArrayBuffer> | undefined;

/**
 * The first page of a PDF on white paper, with its annotations and what forms are filled in with. Nothing in it runs: this
 * PDFium has no JavaScript, no files and no network.
 *
 * Runs where it is called: servers use ImageService.
 *
 * @param bytes The document; bytes behind its end do not matter.
 * @throws ImageError malformed, unsupported-pixels (encrypted), no-pixels (no pages), invalid-option, limit-exceeded
 */
export async function renderDocument(bytes: Uint8Array, options: DocumentOptions): Promise<Buffer> {
  const { format, viewport, quality = 90 } = options;
  if (viewport) checkViewportSize(viewport);
  const page = await drawFirstPage(bytes, viewport);
  const { data, width, height } = page;
  const picture = sharp(data, { raw: { width, height, channels: 4 }, limitInputPixels: false }).removeAlpha();
  return encode(viewport?.source ? partOf(picture, page, viewport) : picture, format, quality);
}

/** Of a page drawn larger than it would be without a viewport, so that the part asked for is as large as it is to be. */
function partOf(picture: Sharp, { width, height, natural }: DrawnPage, viewport: Viewport): Sharp {
  const region = sourceOf(viewport, natural.width, natural.height);
  const left = Math.min(width - 1, Math.round((region.left / natural.width) * width));
  const top = Math.min(height - 1, Math.round((region.top / natural.height) * height));
  const drawn = {
    left,
    top,
    width: Math.max(1, Math.min(width - left, Math.round((region.width / natural.width) * width))),
    height: Math.max(1, Math.min(height - top, Math.round((region.height / natural.height) * height))),
  };
  return cutOut(picture, viewport, drawn, width, height).resize({ ...fittedSize(viewport, region), fit: 'fill' });
}

interface DrawnPage {
  /** R G B and one byte that means nothing. */
  data: Uint8Array;
  width: number;
  height: number;
  /** Of the page without a viewport. */
  natural: { width: number; height: number };
}

async function drawFirstPage(bytes: Uint8Array, viewport: DocumentOptions['viewport']): Promise<DrawnPage> {
  // Loaded by the processes that draw documents alone.
  const { PDFiumLibrary } = await import('@hyzyla/pdfium');
  // An instance of its own for each document: nothing of it is there for the next. V8 compiles equal bytes once.
  const library = await PDFiumLibrary.init({ wasmBinary: await (wasm ??= readWasm()) });
  try {
    const document = await library.loadDocument(bytes);
    return await drawPage(document, viewport);
  } catch (error) {
    throw error instanceof ImageError ? error : toImageError(error as Error);
  }
}

async function drawPage(document: PDFiumDocument, viewport: DocumentOptions['viewport']): Promise<DrawnPage> {
  if (document.getPageCount() < 1) throw new ImageError('no-pixels', 'The PDF has no pages.');
  const page = document.getPage(0);
  const { originalWidth, originalHeight } = page.getOriginalSize();
  // What cannot be read has no size.
  if (!(originalWidth > 0 && originalHeight > 0 && Number.isFinite(originalWidth * originalHeight))) {
    throw new ImageError('malformed', 'The first page of the PDF cannot be read, or has no size.');
  }
  const natural = sizeOf(Math.min(sideMax / originalWidth, sideMax / originalHeight, pixelsPerPoint));
  function sizeOf(scale: number) {
    return {
      width: Math.max(1, Math.round(originalWidth * scale)),
      height: Math.max(1, Math.round(originalHeight * scale)),
    };
  }
  const { width, height } = viewport === undefined ? natural : sizeOf(scaleFor(viewport));
  function scaleFor(viewport: Viewport): number {
    if (!viewport.source) return Math.min(viewport.width / originalWidth, viewport.height / originalHeight);
    const region = sourceOf(viewport, natural.width, natural.height);
    const scale = (fittedSize(viewport, region).width / region.width) * (natural.width / originalWidth);
    // A narrow part of a large page is drawn smaller, and enlarged.
    return Math.min(scale, Math.sqrt(pagePixelsMax / (originalWidth * originalHeight)));
  }
  const drawn = await page.render({ scale: 1, width, height, render: 'bitmap', renderFormFields: true });
  return { data: drawn.data, width: drawn.width, height: drawn.height, natural };
}

async function readWasm(): Promise<ArrayBuffer> {
  const file = await readFile(createRequire(import.meta.url).resolve('@hyzyla/pdfium/pdfium.wasm'));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

/** The library throws errors without a code, and WebAssembly traps where PDFium gives up. */
function toImageError(error: Error): ImageError {
  const because = { cause: error };
  if (/password|security/i.test(error.message)) {
    return new ImageError('unsupported-pixels', 'The PDF is encrypted: it takes a password to open it.', because);
  }
  if (/memory|OOM/i.test(error.message)) {
    return new ImageError('limit-exceeded', 'The first page of the PDF takes more memory than there is.', because);
  }
  return new ImageError('malformed', 'The PDF is damaged: its first page cannot be drawn.', because);
}
