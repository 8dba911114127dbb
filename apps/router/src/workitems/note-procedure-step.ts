import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import type { Transaction } from '#libs/database';
import { announceArrivals } from '#libs/jobs';
import type { OtherWorkitem } from '#libs/workitems';
import { isSource } from '../routing/study-facts.js';
import { saveProcedureStepNotice } from '../routing/study-notices.js';

/**
 * A step that made images has ended, as an MPPS says it: the studies it says it made (part of) are complete when those
 * images are here. A step that made reports or segmentations says nothing of that.
 */
export async function noteProcedureStep(tx: Transaction, workitem: OtherWorkitem): Promise<void> {
  const outputs = jsonItems(workitem.dataset, '00741216').flatMap((performed) => jsonItems(performed, '00404033'));
  const studies = Map.groupBy(outputs, (output) => jsonText(output, '0020000D') ?? '');
  for (const [studyInstanceUid, ofStudy] of studies) {
    const references = ofStudy.flatMap((output) => jsonItems(output, '00081199'));
    const images = references.filter((reference) => isSource('', [jsonText(reference, '00081150') ?? '']));
    const madeOtherThings = references.length > 0 && images.length === 0;
    if (studyInstanceUid === '' || madeOtherThings) continue;
    await saveProcedureStepNotice(tx, studyInstanceUid, workitem.uid, uidsOf(images));
    await announceArrivals(tx, [studyInstanceUid]);
  }
}

function uidsOf(references: readonly DicomJson[]): string[] {
  return references.map((reference) => jsonText(reference, '00081155')).filter((uid) => uid !== undefined);
}
