import { type DicomJson, uidFromHash } from '#libs/dicom';
import { dataset } from '#libs/reports';
import type { Frame, Planes } from './planes.js';

/** Where each frame lies, what it shows, and by what frames are told apart (PS3.3 C.7.6.16, C.7.6.17). */
export function functionalGroups(
  isBinary: boolean,
  planes: Planes,
  frames: readonly Frame[],
  isFull: boolean,
  segmentsDescribed: number,
  sopInstanceUid: string,
): DicomJson {
  const organization = uidFromHash(`dimensions|${sopInstanceUid}`);
  // Where all frames show one of several, it could be said once for all; Slim looks for it at each frame then.
  const oneSegment = isBinary && segmentsDescribed === 1;
  const segmentIdentification = (segment: number | undefined) => ({
    SegmentIdentificationSequence: [dataset({ ReferencedSegmentNumber: segment ?? 1 })],
  });
  const segments = [...new Set(frames.map(({ segment }) => segment))];
  /** Of a plane that many segments are on, made once. */
  const groups = new Map<number, DicomJson>();
  const groupsOf = (plane: number) => {
    const made = groups.get(plane) ?? planes.groups(plane);
    groups.set(plane, made);
    return made;
  };
  const pointer = (attribute: string, group: string, label: string) =>
    dataset({
      DimensionOrganizationUID: organization,
      DimensionIndexPointer: attribute,
      FunctionalGroupPointer: group,
      DimensionDescriptionLabel: label,
    });
  return dataset({
    DimensionOrganizationSequence: [dataset({ DimensionOrganizationUID: organization })],
    DimensionOrganizationType: planes.isTiled ? (isFull ? 'TILED_FULL' : 'TILED_SPARSE') : undefined,
    DimensionIndexSequence: isFull
      ? undefined
      : [
          ...(isBinary ? [pointer('0062000B', '0062000A', 'Segment')] : []),
          ...planes.dimension.map((one) => pointer(one.pointer, one.group, one.label)),
        ],
    SharedFunctionalGroupsSequence: [
      { ...planes.shared, ...(oneSegment && dataset(segmentIdentification(frames[0]!.segment))) },
    ],
    PerFrameFunctionalGroupsSequence: isFull
      ? undefined
      : frames.map(({ segment, plane }) => ({
          ...groupsOf(plane),
          ...dataset({
            FrameContentSequence: [
              dataset({
                DimensionIndexValues: [...(isBinary ? [segments.indexOf(segment) + 1] : []), ...planes.index(plane)],
              }),
            ],
            ...(isBinary && !oneSegment && segmentIdentification(segment)),
          }),
        })),
  });
}
