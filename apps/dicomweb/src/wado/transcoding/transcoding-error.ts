import { ArchiveError } from '#libs/archive';
import { DicomError } from '#libs/dicom';
import { ImageError } from '#libs/images';
import { pictureProblem } from '../rendered/picture-error.js';

/** Why frames or an instance cannot be had in another transfer syntax: the instance's own fault (406), or not now. */
export function transcodingError(error: unknown, sopInstanceUid: string): unknown {
  if (error instanceof DicomError) return cannot(error, sopInstanceUid);
  if (!(error instanceof ImageError)) return error;
  const problem = pictureProblem(error);
  return problem.getStatus() === 406 ? cannot(error, sopInstanceUid) : problem;
}

function cannot(error: Error, sopInstanceUid: string): ArchiveError {
  return new ArchiveError(
    'frames-not-readable',
    `Instance ${sopInstanceUid} cannot be given in that transfer syntax: ${error.message}`,
    { cause: error },
  );
}
