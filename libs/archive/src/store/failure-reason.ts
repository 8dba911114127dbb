import type { DicomErrorCode } from '#libs/dicom';

/** Failure Reason (0008,1197) of a Store Instances Response, PS3.18 table I.2-2 and PS3.4 table B.2-1. */
export const failureReason = {
  processingFailure: 0x0110,
  duplicateSopInstance: 0x0111,
  outOfResources: 0xa700,
  dataSetDoesNotMatch: 0xa900,
  cannotUnderstand: 0xc000,
  /** The transfer syntax is none of PS3.6: where its elements end is not known. */
  transferSyntaxNotSupported: 0xc122,
} as const;

/** Warning Reason (0008,1196), PS3.18 table I.2-1. */
export const warningReason = {
  /**
   * It takes the place of another version, which can be brought back for a while. The standard has no code for that; this
   * one is of the class Warning (PS3.7 C.4.2), and means something else to nobody.
   */
  replacesVersion: 0xb001,
  /** Elements were replaced by the archive's word on the study; the object says in its Original Attributes what they were. */
  coercion: 0xb000,
  /** The instance says something else of its study or patient than the first instance did, whose word is kept. */
  dataSetDoesNotMatch: 0xb007,
} as const;

export function failureReasonOf(code: DicomErrorCode): number {
  switch (code) {
    case 'limit-exceeded':
      return failureReason.outOfResources;
    case 'missing-attribute':
    case 'invalid-value':
      return failureReason.dataSetDoesNotMatch;
    case 'unsupported-transfer-syntax':
      return failureReason.transferSyntaxNotSupported;
    default:
      return failureReason.cannotUnderstand;
  }
}
