import type { DicomJson } from '#libs/dicom';
import type { FailedInstance, StoredInstance, StoreOutcome } from '#libs/archive';

export interface StowResponse {
  status: 200 | 202 | 409;
  /** The Store Instances Response Module (PS3.18 table I.1-1). */
  dataset: DicomJson;
}

/**
 * What became of a store request (PS3.18 10.5.3): 200 when everything is stored, 202 when something failed or is warned
 * of, 409 when nothing is stored.
 * @param dicomwebUrl the DICOMweb root as the sender sees it
 */
export function stowResponse({ stored, failed }: StoreOutcome, dicomwebUrl: string): StowResponse {
  const hasWarnings = stored.some((instance) => instance.warning !== undefined);
  const status = stored.length === 0 ? 409 : failed.length > 0 || hasWarnings ? 202 : 200;
  // What could not be read far enough to know its UIDs has a sequence of its own.
  const instances = failed.filter((failure) => failure.sopInstanceUid !== undefined);
  const others = failed.filter((failure) => failure.sopInstanceUid === undefined);
  const studies = new Set(stored.map((instance) => instance.studyInstanceUid));
  return {
    status,
    dataset: {
      // Of all instances together only when they share one study.
      ...(studies.size === 1 && { '00081190': { vr: 'UR', Value: [`${dicomwebUrl}/studies/${[...studies][0]}`] } }),
      ...(instances.length > 0 && { '00081198': { vr: 'SQ', Value: instances.map(failedItem) } }),
      ...(stored.length > 0 && {
        '00081199': { vr: 'SQ', Value: stored.map((instance) => storedItem(instance, dicomwebUrl)) },
      }),
      ...(others.length > 0 && { '0008119A': { vr: 'SQ', Value: others.map(failedItem) } }),
    },
  };
}

function storedItem(instance: StoredInstance, dicomwebUrl: string): DicomJson {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid, warning } = instance;
  const url = `${dicomwebUrl}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
  return {
    '00081150': { vr: 'UI', Value: [instance.sopClassUid] },
    '00081155': { vr: 'UI', Value: [sopInstanceUid] },
    '00081190': { vr: 'UR', Value: [url] },
    ...(warning !== undefined && { '00081196': { vr: 'US', Value: [warning] } }),
  };
}

/** The standard has codes and no words: what and where is said in a private block of ours. */
function failedItem({ sopClassUid, sopInstanceUid, reason, text }: FailedInstance): DicomJson {
  return {
    ...(sopClassUid !== undefined && { '00081150': { vr: 'UI', Value: [sopClassUid] } }),
    ...(sopInstanceUid !== undefined && { '00081155': { vr: 'UI', Value: [sopInstanceUid] } }),
    '00081197': { vr: 'US', Value: [reason] },
    '00090010': { vr: 'LO', Value: ['ISOCENTER'] },
    '00091001': { vr: 'LT', Value: [text] },
  };
}
