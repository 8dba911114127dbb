import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import type { ReportReference } from './read-report.js';

/** Where a report has its evidence (PS3.3 C.17.2.3): what it is about, other reports, and what came of the request. */
const evidence = ['0040A375', '0040A385'];

/**
 * The addresses of what a report refers to: it names the study and series of each object in its evidence. Relative to
 * the rendered resource of an instance, so that they hold behind any entrance.
 */
export function referencedUrls(dataset: DicomJson): (reference: ReportReference) => string | undefined {
  const places = new Map<string, string>();
  for (const tag of evidence) {
    for (const study of jsonItems(dataset, tag)) {
      for (const series of jsonItems(study, '00081115')) {
        for (const object of jsonItems(series, '00081199')) {
          const uids = [jsonText(study, '0020000D'), jsonText(series, '0020000E'), jsonText(object, '00081155')];
          if (!uids.every((uid) => uid !== undefined && /^[\d.]{1,64}$/.test(uid))) continue;
          const [studyUid, seriesUid, objectUid] = uids as [string, string, string];
          places.set(objectUid, `../../../../../../studies/${studyUid}/series/${seriesUid}/instances/${objectUid}`);
        }
      }
    }
  }
  return ({ sopInstanceUid, frameNumbers }) => {
    const place = places.get(sopInstanceUid);
    if (place === undefined) return undefined;
    return frameNumbers.length === 0 ? `${place}/rendered` : `${place}/frames/${frameNumbers[0]}/rendered`;
  };
}
