import type { DicomJson } from '#libs/dicom';

/** How a content item relates to the one it is in (PS3.3 C.17.3). */
type Relationship = 'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS CONCEPT MOD' | 'INFERRED FROM';

export interface Code {
  value: string;
  scheme: string;
  meaning: string;
}

/** One item of an SR content tree as DICOM JSON, one function for each value type in use (PS3.3 C.17.3.2). */

export function container(
  relationship: Relationship,
  name: Code,
  children: DicomJson[],
  templateIdentifier?: string,
): DicomJson {
  return {
    ...item(relationship, 'CONTAINER', name),
    '0040A050': { vr: 'CS', Value: ['SEPARATE'] },
    ...(templateIdentifier !== undefined && {
      '0040A504': {
        vr: 'SQ',
        Value: [{ '00080105': { vr: 'CS', Value: ['DCMR'] }, '0040DB00': { vr: 'CS', Value: [templateIdentifier] } }],
      },
    }),
    '0040A730': { vr: 'SQ', Value: children },
  };
}

export function code(relationship: Relationship, name: Code, value: Code, children: DicomJson[] = []): DicomJson {
  return {
    ...item(relationship, 'CODE', name),
    '0040A168': { vr: 'SQ', Value: [codeItem(value)] },
    ...(children.length > 0 && { '0040A730': { vr: 'SQ', Value: children } }),
  };
}

export function text(relationship: Relationship, name: Code, value: string): DicomJson {
  return { ...item(relationship, 'TEXT', name), '0040A160': { vr: 'UT', Value: [value] } };
}

export function uidref(relationship: Relationship, name: Code, uid: string): DicomJson {
  return { ...item(relationship, 'UIDREF', name), '0040A124': { vr: 'UI', Value: [uid] } };
}

export function personName(relationship: Relationship, name: Code, person: string): DicomJson {
  return { ...item(relationship, 'PNAME', name), '0040A123': { vr: 'PN', Value: [{ Alphabetic: person }] } };
}

/** A reference to an instance that is no image and no waveform. */
export function composite(
  relationship: Relationship,
  name: Code,
  cited: { sopClassUid: string; sopInstanceUid: string },
): DicomJson {
  return {
    ...item(relationship, 'COMPOSITE', name),
    '00081199': {
      vr: 'SQ',
      Value: [
        {
          '00081150': { vr: 'UI', Value: [cited.sopClassUid] },
          '00081155': { vr: 'UI', Value: [cited.sopInstanceUid] },
        },
      ],
    },
  };
}

function codeItem({ value, scheme, meaning }: Code): DicomJson {
  return {
    '00080100': { vr: 'SH', Value: [value] },
    '00080102': { vr: 'SH', Value: [scheme] },
    '00080104': { vr: 'LO', Value: [meaning] },
  };
}

function item(relationship: Relationship, valueType: string, name: Code): DicomJson {
  return {
    '0040A010': { vr: 'CS', Value: [relationship] },
    '0040A040': { vr: 'CS', Value: [valueType] },
    '0040A043': { vr: 'SQ', Value: [codeItem(name)] },
  };
}
