import type { DatasetVisitor, FragmentInterest } from './dataset-visitor.js';
import { DicomError } from './errors.js';
import { isUid } from './uids.js';

const transferSyntaxTag = '00020010';
const sopClassTag = '00020002';
const sopInstanceTag = '00020003';

/**
 * Takes the transfer syntax out of the File Meta (PS3.10 7.1). The UIDs in it the dataset says again; they are for naming
 * an object whose dataset cannot be read.
 */
export class FileMeta implements DatasetVisitor {
  sopClassUid: string | undefined;
  sopInstanceUid: string | undefined;
  private uid: string | undefined;

  /** @throws DicomError 'missing-attribute', 'invalid-value' */
  transferSyntaxUid(): string {
    const tag = transferSyntaxTag;
    if (this.uid === undefined)
      throw new DicomError('missing-attribute', 'The File Meta has no Transfer Syntax UID', { tag });
    if (!isUid(this.uid)) {
      const text = JSON.stringify(this.uid.slice(0, 80));
      throw new DicomError('invalid-value', `The Transfer Syntax UID is no UID: ${text}`, { tag });
    }
    return this.uid;
  }

  keeps(tag: string): boolean {
    return tag === transferSyntaxTag || tag === sopClassTag || tag === sopInstanceTag;
  }

  element(tag: string, _vr: string, bytes: Buffer): void {
    const uid = bytes.toString('latin1').replace(/[\0 ]+$/, '') || undefined;
    if (tag === transferSyntaxTag) this.uid = uid;
    else if (tag === sopClassTag) this.sopClassUid = uid;
    else this.sopInstanceUid = uid;
  }

  bulk(): void {}
  startSequence(): void {}
  endSequence(): void {}
  startItem(): void {}
  endItem(): void {}
  startFragments(): FragmentInterest {
    return { offsetTable: false, edges: false };
  }
  offsetTable(): void {}
  fragment(): void {}
  fragmentEnd(): void {}
  endFragments(): void {}
}
