import type { Annotation } from './annotation.js';
import type { ColorOptions } from './color/icc-profile.js';
import type { VoiWindow } from './frame-description.js';
import type { Blend } from './presentation/blend.js';
import type { Overlay } from './presentation/overlay.js';
import type { Presentation } from './presentation/presentation.js';

export type PictureFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'jxl';

/** The `viewport` of PS3.18 8.3.5.1.3. The picture is scaled to fit into width x height, its aspect ratio kept. */
export interface Viewport {
  /** Pixels. */
  width: number;
  height: number;
  /**
   * The part of the image to show, in image pixels from the top left corner; the whole image when absent. A negative
   * width flips the part left to right, a negative height top to bottom (PS3.18 8.3.5.1.3).
   */
  source?: { x: number; y: number; width: number; height: number };
}

export interface RenderOptions {
  format: PictureFormat;
  /** In modality units. Without it: the frame's first window, else its VOI LUT, else a range fitted to its values. */
  window?: VoiWindow;
  viewport?: Viewport;
  /** 1 to 100 for jpeg, webp and jxl, 90 when absent. PNG and GIF take no notice. */
  quality?: number;
  /** Planes of bits to be drawn over the picture. */
  overlays?: Overlay[];
  /** How a presentation state has the picture shown. */
  presentation?: Presentation;
  /** The overlays of the presentation state, for its bitmap shutter. */
  shutterPlanes?: Overlay[];
  /** Of a blending presentation state: what lies over the frame, which is grey. */
  blend?: Blend;
  /** Colour management; without it colours are as they are stored, and the picture says nothing of them. */
  color?: ColorOptions;
  /** Text in the corners of the picture. */
  annotation?: Annotation;
}

/** The first page of a document. */
export interface DocumentOptions {
  format: PictureFormat;
  /**
   * Scaled to fit, aspect ratio kept. Without it: 150 dots an inch, at most 4096 pixels a side. Its source is a part of the
   * picture that there is without a viewport.
   */
  viewport?: Viewport;
  quality?: number;
}

export interface WaveformOptions {
  format: PictureFormat | 'svg';
  /** Scaled to fit, aspect ratio kept. Without it: 6 picture pixels a millimetre of paper. */
  viewport?: { width: number; height: number };
  quality?: number;
}
