import type { DicomJson } from '#libs/dicom';

/** What one frame shows, in the order frames are written. */
export interface Frame {
  /** Of Segment Sequence; undefined where the frame holds them all. */
  segment: number | undefined;
  plane: number;
}

/** A mask as frames: the groups that say where they lie, and a way to their pixels. */
export interface Planes {
  rows: number;
  columns: number;
  count: number;
  /** Which labels are on a plane, by value. */
  has(plane: number, value: number): boolean;
  /** Of one plane, row by row; good until the next is asked for. */
  read(plane: number): Promise<Uint8Array>;
  close(): Promise<void>;
  shared: DicomJson;
  /** Plane position and derivation. */
  groups(plane: number): DicomJson;
  /** Attributes of the whole. */
  attributes: DicomJson;
  /** What tells planes apart, for the dimension index. */
  dimension: { pointer: string; group: string; label: string }[];
  /** 1-based, for each of those. */
  index(plane: number): number[];
  isTiled: boolean;
}
