import type { InstanceRow } from '#libs/archive';
import { explicitLittleEndian, transferSyntaxOf } from '#libs/dicom';
import { isDecodable, losslessSyntaxes } from '#libs/images';

type Stored = Pick<InstanceRow, 'transferSyntaxUid' | 'frameKind'>;

/** Implicit, big endian, and deflated: none of them is for the web (PS3.18 8.7.3), and none needs decoding. */
export function isRewritten(transferSyntaxUid: string): boolean {
  const { implicit, bigEndian, deflated } = transferSyntaxOf(transferSyntaxUid);
  return implicit || bigEndian || deflated;
}

/** The transfer syntaxes that the frames of an instance may be made in beside the stored one, by what its row says. */
export function madeSyntaxes({ transferSyntaxUid, frameKind }: Stored): string[] {
  const { encapsulated, deflated } = transferSyntaxOf(transferSyntaxUid);
  const hasFrames = frameKind === 'native' || frameKind === 'encapsulated' || (frameKind === 'unindexable' && deflated);
  if (!hasFrames || !isDecodable(transferSyntaxUid)) return [];
  const made = encapsulated ? [explicitLittleEndian, ...losslessSyntaxes] : [...losslessSyntaxes];
  return made.filter((uid) => uid !== transferSyntaxUid);
}
