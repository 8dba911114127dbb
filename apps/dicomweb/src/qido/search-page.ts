import type { DicomJson } from '#libs/dicom';

/** One answer's worth of results. */
export interface SearchPage {
  results: DicomJson[];
  /** How many match in all, where more match than the page holds; else how many have been seen up to its end. */
  matches: number;
}
