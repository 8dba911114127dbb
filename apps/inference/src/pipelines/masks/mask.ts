import type { Grid } from '../volumes/grid.js';

/** Which label each pixel has; 0 is none. Values as model.json gives them to its labels. */
export type Mask = VolumeMask | PictureMasks | SlideMask;

/** On the grid the network worked on, which need not be that of the series. */
export interface VolumeMask {
  kind: 'volume';
  grid: Grid;
  data: Uint8Array;
}

/** As large as the pictures themselves. */
export interface PictureMasks {
  kind: 'pictures';
  pictures: {
    frame: number;
    rows: number;
    columns: number;
    spacingMm: readonly [number, number] | undefined;
    data: Uint8Array;
  }[];
}

/**
 * On disk, tile after tile, row by row from the top left, each tile rows x columns bytes; one that nothing was written to is a hole
 * and reads as zeros.
 */
export interface SlideMask {
  kind: 'slide';
  file: string;
  tileRows: number;
  tileColumns: number;
  across: number;
  down: number;
  matrixRows: number;
  matrixColumns: number;
  spacingMicrometres: readonly [number, number];
  /** By tile: 1 where anything but 0 is on it. */
  filled: Uint8Array;
  /** Pixels by value, 0 to 255; 0 counts only where the network looked. */
  counts: Float64Array;
}
