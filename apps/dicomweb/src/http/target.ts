import type { InstanceUids, StudyUids } from '#libs/archive';
import { checkUid } from './check-uid.js';

/** The study, series and instance that a URL names, as its route's parameters. */
export interface Target {
  study: string;
  series?: string;
  instance?: string;
}

/** @throws WireError when one of the UIDs is none */
export function checkTarget(target: Target): void {
  checkUid(target.study, 'Study Instance UID');
  if (target.series !== undefined) checkUid(target.series, 'Series Instance UID');
  if (target.instance !== undefined) checkUid(target.instance, 'SOP Instance UID');
}

/** @throws WireError when one of the UIDs is none */
export function studyUids(target: Target): StudyUids {
  checkTarget(target);
  return { studyInstanceUid: target.study, ...(target.series !== undefined && { seriesInstanceUid: target.series }) };
}

/** For routes that end in an instance. @throws WireError when one of the UIDs is none */
export function instanceUids(target: Target): InstanceUids {
  checkTarget(target);
  const { study, series, instance } = target;
  if (series === undefined || instance === undefined) throw new Error('The route names no instance');
  return { studyInstanceUid: study, seriesInstanceUid: series, sopInstanceUid: instance };
}
