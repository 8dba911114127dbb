import { uidFromHash } from '#libs/dicom';
import type { Model } from '../models/model.js';

/** Names what was found across report and segmentation. */
export function trackingUid(model: Pick<Model, 'sha256'>, inputDigest: string, id: string): string {
  return uidFromHash(`tracking|${model.sha256}|${inputDigest}|${id}`);
}
