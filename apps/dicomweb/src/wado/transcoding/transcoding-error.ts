import { ArchiveError, type InstanceRow } from '#libs/archive';
import { DicomError } from '#libs/dicom';
import { ImageError } from '#libs/images';
import { pictureProblem } from '../rendered/picture-error.js';

type Stored = Pick<InstanceRow, 'sopInstanceUid' | 'transferSyntaxUid'>;

/** Why frames or an instance cannot be had in another transfer syntax: the instance's own fault (406), or not now. */
export function transcodingError(error: unknown, instance: Stored): unknown {
  if (error instanceof DicomError) return cannot(error, instance);
  if (!(error instanceof ImageError)) return error;
  const problem = pictureProblem(error);
  return problem.getStatus() === 406 ? cannot(error, instance) : problem;
}

function cannot(error: Error, { sopInstanceUid, transferSyntaxUid }: Stored): ArchiveError {
  return new ArchiveError(
    'frames-not-readable',
    `Instance ${sopInstanceUid} is stored in transfer syntax ${transferSyntaxUid}, and cannot be given in the one asked for: ${error.message}`,
    { cause: error },
  );
}
