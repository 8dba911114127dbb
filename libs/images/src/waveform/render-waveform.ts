import type { DicomJson } from '#libs/dicom';
import sharp from 'sharp';
import type { BulkData } from '../bulk-data.js';
import { picturePixelsMax } from '../limits.js';
import { checkViewportSize, encode } from '../picture.js';
import type { WaveformOptions } from '../render-options.js';
import { drawPaper, pageSeconds } from './draw-paper.js';
import { readChannels } from './read-waveform.js';

/** Of a picture without a viewport: about 150 dots an inch. */
const pixelsPerMillimetre = 6;

/**
 * The first ten seconds of a waveform on ECG paper, 25 mm a second and 10 mm a millivolt: twelve-lead ECGs in the usual
 * arrangement, other waveforms (rhythm, haemodynamic) as one strip a channel. No name or date is drawn.
 *
 * Runs where it is called: servers use ImageService.
 *
 * @param dataset With its Waveform Sequence (5400,0100); Waveform Data inline or in `bulkData`, see bulkDataForRendering.
 * @throws ImageError no-pixels, missing-attribute, missing-bulk-data, invalid-value, truncated, unsupported-pixels,
 *   invalid-option, limit-exceeded
 */
export async function renderWaveform(
  dataset: DicomJson,
  options: WaveformOptions,
  bulkData?: BulkData,
): Promise<Buffer> {
  if (options.viewport) checkViewportSize(options.viewport);
  const channels = readChannels(dataset, pageSeconds, bulkData);
  const natural = drawPaper(channels, pixelsPerMillimetre);
  const { viewport } = options;
  // Drawn at the size asked for, rather than scaled: lines stay sharp.
  const drawing = viewport
    ? drawPaper(channels, Math.min(viewport.width / natural.width, viewport.height / natural.height))
    : natural;
  if (options.format === 'svg') return Buffer.from(drawing.svg);
  const picture = sharp(Buffer.from(drawing.svg), { limitInputPixels: picturePixelsMax }).flatten({
    background: '#ffffff',
  });
  return encode(picture, options.format, options.quality ?? 90);
}
