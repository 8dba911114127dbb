import type { DicomJson } from '#libs/dicom';
import { dicomDateTime } from './dicom-date-time.js';
import type { Workitem } from './workitem.js';

/** UPS Push, the SOP Class of every workitem (PS3.4 CC.1). */
export const upsSopClassUid = '1.2.840.10008.5.1.4.34.6.1';

/** The whole workitem as UPS-RS gives it out (PS3.18 11.5), never with its Transaction UID. */
export function toUpsDataset(workitem: Workitem): DicomJson {
  const { '00081195': _transactionUid, ...dataset } = workitem.dataset;
  const overlay: DicomJson = {
    '00080016': { vr: 'UI', Value: [upsSopClassUid] },
    '00080018': { vr: 'UI', Value: [workitem.uid] },
    '00404010': { vr: 'DT', Value: [dicomDateTime(workitem.updatedAt)] },
    '00741000': { vr: 'CS', Value: [workitem.state] },
    '00741200': { vr: 'CS', Value: [workitem.priority] },
  };
  if (workitem.deadline !== null) overlay['00404011'] = { vr: 'DT', Value: [dicomDateTime(workitem.deadline)] };
  if (workitem.state === 'CANCELED') overlay['00741002'] = canceled(workitem);
  const whole = { ...dataset, ...overlay };
  return Object.fromEntries(Object.entries(whole).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of CID 9300 "Procedure Discontinuation Reason". */
const discontinuedForUnspecifiedReason = {
  vr: 'SQ',
  Value: [
    {
      '00080100': { vr: 'SH', Value: ['110513'] },
      '00080102': { vr: 'SH', Value: ['DCM'] },
      '00080104': { vr: 'LO', Value: ['Discontinued for unspecified reason'] },
    },
  ],
};

/** Procedure Step Progress Information Sequence of a canceled step, keeping what its performer last said. */
function canceled(workitem: Workitem): DicomJson[string] {
  const said = (workitem.dataset['00741002']?.Value?.[0] ?? {}) as DicomJson;
  return {
    vr: 'SQ',
    Value: [
      {
        // Who canceled it gave no coded reason: the code that says so.
        '0074100E': discontinuedForUnspecifiedReason,
        ...said,
        ...(workitem.finishedAt !== null && {
          '00404052': { vr: 'DT', Value: [dicomDateTime(workitem.finishedAt)] },
        }),
        ...(workitem.discontinuationReason !== null && {
          '00741238': { vr: 'LT', Value: [workitem.discontinuationReason] },
        }),
      },
    ],
  };
}
