/** How a presentation state has one image shown (PS3.3 A.33, PS3.4 N.2), beside its grey values. All lengths in image pixels. */
export interface Presentation {
  shutters: Shutter[];
  /** Of what the shutters hide, 0 to 255. */
  shutterGrey: number;
  /** Clockwise, in degrees. */
  rotation: 0 | 90 | 180 | 270;
  /** Left becomes right, after the rotation. */
  isFlipped: boolean;
  /** What of the image is to be seen; it may reach over its edges. The whole image when absent. */
  displayedArea?: { left: number; top: number; right: number; bottom: number };
  /** Height of a pixel by its width. */
  pixelAspectRatio: number;
  graphics: Graphic[];
  texts: GraphicText[];
}

export type Shutter =
  | { shape: 'rectangle'; left: number; top: number; right: number; bottom: number }
  | { shape: 'circle'; x: number; y: number; radius: number }
  | { shape: 'polygon'; points: Point[] }
  /** A plane of bits, set where it hides the image. */
  | { shape: 'bitmap'; group: number };

export interface Point {
  x: number;
  y: number;
}

/** In image pixels, or in parts of the displayed area from 0 to 1 (PS3.3 C.10.5). */
export type Units = 'pixel' | 'display';

export interface Graphic {
  units: Units;
  kind: 'point' | 'line' | 'curve' | 'circle' | 'ellipse';
  points: Point[];
  isFilled: boolean;
  /** As CSS has it. */
  color: string;
}

export interface GraphicText {
  lines: string[];
  /** Where the text stands, the box's top left and bottom right as they are displayed. */
  box?: { units: Units; topLeft: Point; bottomRight: Point };
  anchor?: { units: Units; point: Point; isVisible: boolean };
  color: string;
}
