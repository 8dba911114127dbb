import type { StackFrame } from './build-stacks.js';

/** How the picture lies on the screen, in device pixels. */
export interface Placement {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Pose {
  /** 1: as large as fits. */
  zoom: number;
  /** Device pixels from the middle. */
  panX: number;
  panY: number;
}

export const restingPose: Pose = { zoom: 1, panX: 0, panY: 0 };
export const zoomMin = 0.25;
export const zoomMax = 16;

/** Where a frame goes in a canvas: fitted, centred, pixels in their true proportion, then zoomed and moved. */
export function placeFrame(frame: StackFrame, canvas: { width: number; height: number }, pose: Pose): Placement {
  const width = frame.columns;
  const height = frame.rows * frame.pixelAspect;
  const scale = Math.min(canvas.width / width, canvas.height / height) * pose.zoom;
  return {
    width: width * scale,
    height: height * scale,
    left: (canvas.width - width * scale) / 2 + pose.panX,
    top: (canvas.height - height * scale) / 2 + pose.panY,
  };
}

/** Zooms by a factor, keeping what is under a point (device pixels from the middle of the canvas) where it is. */
export function zoomAt(pose: Pose, factor: number, x: number, y: number): Pose {
  const zoom = Math.min(Math.max(pose.zoom * factor, zoomMin), zoomMax);
  const change = zoom / pose.zoom;
  return { zoom, panX: x - (x - pose.panX) * change, panY: y - (y - pose.panY) * change };
}
