import type { DicomJson } from '#libs/dicom';
import type { SearchPage } from './search-page.js';

/** A search whose results come parsed, for tests that look into them. */
export function parsed<A extends unknown[]>(search: (...parameters: A) => Promise<SearchPage>) {
  return async (...parameters: A): Promise<{ results: DicomJson[]; matches: number }> => {
    const { results, matches } = await search(...parameters);
    return { results: results.map((text) => JSON.parse(text) as DicomJson), matches };
  };
}
