import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import type { StackFrame } from './build-stacks.js';
import type { Window } from './window.js';

/** Up to this size a picture is asked for as it is; larger ones as large as they are shown. */
const nativeSizeMax = 1024;
const viewportStep = 256;

/**
 * Address of a frame as a picture (PS3.18 8.3.5). A picture larger than it is shown is asked for at the shown size,
 * rounded up so that resizing and zooming a little keep the address, and with it what is cached.
 * @param shown device pixels the whole picture takes on the screen
 */
export function renderedFrameUrl(
  series: SeriesPath,
  frame: StackFrame,
  window: Window | undefined,
  shown: { width: number; height: number },
): string {
  const query: string[] = [];
  if (window && frame.isMonochrome) query.push(`window=${window.center},${window.width},linear`);
  if (Math.max(frame.columns, frame.rows) > nativeSizeMax) {
    const width = Math.ceil(shown.width / viewportStep) * viewportStep;
    const height = Math.ceil(shown.height / viewportStep) * viewportStep;
    if (width < frame.columns && height < frame.rows)
      query.push(`viewport=${Math.max(width, viewportStep)},${Math.max(height, viewportStep)}`);
  }
  const path = `${instanceUrl({ ...series, sopInstanceUid: frame.sopInstanceUid })}/frames/${frame.frameNumber}/rendered`;
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}
