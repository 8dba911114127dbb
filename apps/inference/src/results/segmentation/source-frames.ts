import { type DicomJson, uidFromHash } from '#libs/dicom';
import { codeItem, dataset, dcm } from '#libs/reports';
import type { FetchedInput } from '../../models/model.js';
import { text } from '../../models/read-attributes.js';

/** Where frames came from: Derivation Image (PS3.3 C.7.6.16.2.6). @returns that of a frame by its index among the input's */
export function derivations({ input }: FetchedInput): (frame: number) => DicomJson {
  const byUid = new Map(input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), instance]));
  return (frame) => {
    const { sopInstanceUid, frameNumber } = input.frames[frame]!;
    const instance = byUid.get(sopInstanceUid) ?? {};
    const isMultiFrame = Number(text(instance, 'NumberOfFrames') ?? 1) > 1;
    return dataset({
      DerivationImageSequence: [
        dataset({
          DerivationCodeSequence: [codeItem(dcm('113076', 'Segmentation'))],
          SourceImageSequence: [
            dataset({
              ReferencedSOPClassUID: text(instance, 'SOPClassUID') ?? '',
              ReferencedSOPInstanceUID: sopInstanceUid,
              ReferencedFrameNumber: isMultiFrame ? frameNumber : undefined,
              SpatialLocationsPreserved: 'YES',
              PurposeOfReferenceCodeSequence: [codeItem(dcm('121322', 'Source image for image processing operation'))],
            }),
          ],
        }),
      ],
    });
  };
}

export function frameOfReference(task: FetchedInput): DicomJson {
  const [first] = task.input.instances as [DicomJson];
  const uid = text(first, 'FrameOfReferenceUID');
  // Some series name none although their positions belong together; they then share one of ours.
  const own = uidFromHash(`frame-of-reference|${task.input.seriesInstanceUid}`);
  return dataset({
    FrameOfReferenceUID: uid ?? own,
    PositionReferenceIndicator: text(first, 'PositionReferenceIndicator') ?? [],
  });
}

/** As a DS holds it: at most 16 characters. */
export function decimal(value: number): number {
  return Math.abs(value) < 1e-9 ? 0 : Number(value.toPrecision(9));
}
