import type { DicomJson } from '#libs/dicom';
import type { Code } from './code.js';
import { codeItem, dataset } from './dataset.js';

/** How a content item relates to the one it is in (PS3.3 C.17.3). */
export type Relationship =
  'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS CONCEPT MOD' | 'HAS PROPERTIES' | 'INFERRED FROM' | 'SELECTED FROM';

/** One item of an SR content tree as DICOM JSON: small builders, one for each value type in use (PS3.3 C.17.3.2). */

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
    ...(children.length > 0 && { '0040A730': { vr: 'SQ', Value: children } }),
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

export function num(
  relationship: Relationship,
  name: Code,
  value: number,
  unit: Code,
  children: DicomJson[],
): DicomJson {
  return {
    ...item(relationship, 'NUM', name),
    '0040A300': {
      vr: 'SQ',
      Value: [
        { '0040A30A': { vr: 'DS', Value: [decimalString(value)] }, '004008EA': { vr: 'SQ', Value: [codeItem(unit)] } },
      ],
    },
    ...(children.length > 0 && { '0040A730': { vr: 'SQ', Value: children } }),
  };
}

/** A reference to an instance, as IMAGE or WAVEFORM by what it is. `frames` when not all of them are meant. */
export function reference(
  relationship: Relationship,
  name: Code | undefined,
  source: { sopClassUid: string; sopInstanceUid: string; frames?: number[]; segment?: number },
): DicomJson {
  const isWaveform = source.sopClassUid.startsWith('1.2.840.10008.5.1.4.1.1.9.');
  return {
    ...item(relationship, isWaveform ? 'WAVEFORM' : 'IMAGE', name),
    '00081199': {
      vr: 'SQ',
      Value: [
        {
          '00081150': { vr: 'UI', Value: [source.sopClassUid] },
          '00081155': { vr: 'UI', Value: [source.sopInstanceUid] },
          ...(source.frames !== undefined && !isWaveform && { '00081160': { vr: 'IS', Value: source.frames } }),
          ...(source.segment !== undefined && { '0062000B': { vr: 'US', Value: [source.segment] } }),
        },
      ],
    },
  };
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

/** A closed outline on an image, column and row of each corner (PS3.3 C.18.6). */
export function outline(
  relationship: Relationship,
  name: Code,
  points: readonly (readonly [number, number])[],
  of: DicomJson,
): DicomJson {
  return {
    ...item(relationship, 'SCOORD', name),
    ...dataset({ GraphicData: points.flat(), GraphicType: 'POLYLINE', ContentSequence: [of] }),
  };
}

/** Points in time on a waveform, seconds from its start (PS3.3 C.18.7). */
export function times(name: Code, seconds: readonly number[], of: DicomJson): DicomJson {
  return {
    ...item('CONTAINS', 'TCOORD', name),
    ...dataset({
      TemporalRangeType: seconds.length === 1 ? 'POINT' : 'MULTIPOINT',
      ReferencedTimeOffsets: seconds.map((one) => Number(one.toFixed(4))),
      ContentSequence: [of],
    }),
  };
}

function item(relationship: Relationship, valueType: string, name: Code | undefined): DicomJson {
  return {
    '0040A010': { vr: 'CS', Value: [relationship] },
    '0040A040': { vr: 'CS', Value: [valueType] },
    ...(name && { '0040A043': { vr: 'SQ', Value: [codeItem(name)] } }),
  };
}

/** A DS of at most 16 characters (PS3.5 6.2), with as many digits of the value as fit. */
export function decimalString(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`A measurement must be a finite number, not ${value}`);
  for (let digits = 15; digits > 0; digits -= 1) {
    const rounded = Number(value.toPrecision(digits));
    for (const written of [String(rounded), rounded.toExponential()]) if (written.length <= 16) return written;
  }
  throw new RangeError(`${value} does not fit into a decimal string`);
}
