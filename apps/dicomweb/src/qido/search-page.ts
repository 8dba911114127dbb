/** One answer's worth of results. */
export interface SearchPage {
  /** Each a data set as JSON text. */
  results: string[];
  /** How many match in all, where more match than the page holds; else how many have been seen up to its end. */
  matches: number;
}

/** What every row of a search has besides the columns of its level. */
export interface Found {
  key: number;
  is_anything_cold: boolean;
}
