import { giveBack } from '#libs/workers';
import { decodeFrame } from './decode-frame.js';
import type { FrameDescription } from './frame-description.js';
import { encodePicture, toPicture } from './picture.js';
import { plainPicture, releasePicture } from './plain-frame.js';
import { blendOver } from './presentation/blend.js';
import { drawOverlays } from './presentation/draw-overlays.js';
import { closeShutters } from './presentation/shutter.js';
import type { RenderOptions } from './render-options.js';
import { checkWindow } from './voi.js';

/**
 * A frame as people look at it (PS3.18 8.3.5): decoded, through the modality and VOI steps or in its colours, scaled
 * into the viewport, encoded. A thumbnail is this with a small viewport; a tile of a slide is a frame like any other.
 *
 * Runs where it is called: servers use ImageService.
 *
 * @param bytes As for decodeFrame.
 * @throws ImageError as decodeFrame; invalid-option for options that make no sense.
 */
export async function renderFrame(
  bytes: Uint8Array,
  description: FrameDescription,
  options: RenderOptions,
): Promise<Buffer> {
  if (options.window) checkWindow(options.window);
  const pixels = await decodeFrame(bytes, description);
  const { overlays = [], presentation, shutterPlanes = [], blend } = options;
  const alone = toPicture(pixels, description, options.window);
  giveBack(pixels.data);
  const picture = blend ? await blendOver(alone, blend) : alone;
  if (presentation) closeShutters(picture, presentation.shutters, presentation.shutterGrey, shutterPlanes);
  drawOverlays(picture, overlays, bytes, description);
  const encoded = await encodePicture(picture, options);
  giveBack(picture.data);
  return encoded;
}

/** {@link renderFrame} for what isPlain, without ever keeping the process from other work for long. */
export async function renderPlainFrame(
  bytes: Uint8Array,
  description: FrameDescription,
  options: RenderOptions,
): Promise<Buffer> {
  if (options.window) checkWindow(options.window);
  const picture = await plainPicture(bytes, description, options.window);
  try {
    return await encodePicture(picture, options);
  } finally {
    releasePicture(picture);
  }
}
