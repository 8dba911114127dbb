import type { DicomJson } from '#libs/dicom';
import { dicomDateTime } from './dicom-date-time.js';
import type { Workitem, WorkitemKind, WorkitemOutput } from './workitem.js';

/** Unified Procedure Step Performed Procedure Sequence (0074,1216): what must be there for a step to be COMPLETED (PS3.4 CC.2.5.1.3). */
export function performedProcedure(workitem: Workitem, outputs: WorkitemOutput[], endedAt: Date): DicomJson[string] {
  const performer = workitem.performer ?? '';
  const item: DicomJson = {
    ...(workitem.kind === 'reading'
      ? { '00404035': { vr: 'SQ', Value: [{ '00404037': { vr: 'PN', Value: [{ Alphabetic: performer }] } }] } }
      : {}),
    '00404028': stationName(workitem.kind, performer),
    '00404050': { vr: 'DT', Value: [dicomDateTime(workitem.claimedAt ?? endedAt)] },
    '00404051': { vr: 'DT', Value: [dicomDateTime(endedAt)] },
    '00404019': workitem.dataset['00404018'] ?? { vr: 'SQ', Value: [] },
    '00741212': workitem.dataset['00741210'] ?? { vr: 'SQ', Value: [] },
    '00404033': { vr: 'SQ', Value: outputs.map(outputItem) },
  };
  return { vr: 'SQ', Value: [item] };
}

/** A person works at no station we know of: the sequence is then empty, as the standard lets it be (type 2). */
function stationName(kind: WorkitemKind, performer: string): DicomJson[string] {
  if (kind === 'reading' || performer === '') return { vr: 'SQ', Value: [] };
  const code = {
    // Code Value is an SH: 16 characters; the whole name is the meaning (LO: 64).
    '00080100': { vr: 'SH', Value: [performer.slice(0, 16)] },
    '00080102': { vr: 'SH', Value: ['99ISOCENTER'] },
    '00080104': { vr: 'LO', Value: [performer.slice(0, 64)] },
  };
  return { vr: 'SQ', Value: [code] };
}

function outputItem(output: WorkitemOutput): DicomJson {
  const { studyInstanceUid, seriesInstanceUid } = output;
  return {
    '0040E020': { vr: 'CS', Value: ['DICOM'] },
    '0020000D': { vr: 'UI', Value: [studyInstanceUid] },
    '0020000E': { vr: 'UI', Value: [seriesInstanceUid] },
    '00081199': {
      vr: 'SQ',
      Value: output.instances.map(({ sopClassUid, sopInstanceUid }) => ({
        '00081150': { vr: 'UI', Value: [sopClassUid] },
        '00081155': { vr: 'UI', Value: [sopInstanceUid] },
      })),
    },
    '0040E025': {
      vr: 'SQ',
      Value: [
        {
          '0040E010': {
            vr: 'UR',
            Value: [`/dicom-web/studies/${studyInstanceUid}/series/${seriesInstanceUid}`],
          },
        },
      ],
    },
  };
}
