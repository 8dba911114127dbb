/** Transfer syntaxes whose frames are plain samples (deflated ones after inflating the dataset, as libs/dicom does). */
const native = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.2']);

export const rleLossless = '1.2.840.10008.1.2.5';

/** Each frame deflated on its own (PS3.5 A.4.14). */
export const deflatedFrames = '1.2.840.10008.1.2.8.1';

/** Each frame as it is, in a fragment (PS3.5 A.4.11). */
export const encapsulatedUncompressed = '1.2.840.10008.1.2.1.98';

/** Compressed with a codec that tells what it is in its first bytes: the JPEG families (PS3.5 A.4). */
const selfDescribing = /^1\.2\.840\.10008\.1\.2\.4\.(5\d|6\d|70|80|81|90|91|110|111|112|201|202|203)$/;

export function isNative(transferSyntaxUid: string): boolean {
  return native.has(transferSyntaxUid);
}

export function isBigEndian(transferSyntaxUid: string): boolean {
  return transferSyntaxUid === '1.2.840.10008.1.2.2';
}

export function isSelfDescribing(transferSyntaxUid: string): boolean {
  return selfDescribing.test(transferSyntaxUid);
}

/** Whether frames of this transfer syntax can be decoded at all; a particular one may still be beyond its decoder. */
export function isDecodable(transferSyntaxUid: string): boolean {
  return (
    isNative(transferSyntaxUid) ||
    isSelfDescribing(transferSyntaxUid) ||
    [rleLossless, deflatedFrames, encapsulatedUncompressed].includes(transferSyntaxUid)
  );
}
