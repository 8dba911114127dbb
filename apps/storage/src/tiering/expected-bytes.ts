import { createHash, type Hash } from 'node:crypto';

/** What a blob's bytes must be. */
export interface ExpectedBytes {
  bytes: number;
  /** SHA-256 of the bytes; where they are hashed in pieces, of the pieces' SHA-256 one behind the other. */
  sha256: Buffer;
  /**
   * Bytes of each of the pieces, which lie one behind the other from the first byte to the last. A pack of a series has one for
   * each instance that came: each byte of it is hashed once, for its instance and for the pack. null: it is hashed as one.
   */
  pieceBytes: number[] | null;
}

/** The columns of the table `pack`, named `p`, that say so. */
export const expectedColumns = `p.bytes, p.sha256, p.piece_bytes::float8[] as "pieceBytes"`;

/** The digest of what is hashed in pieces. @param pieces their SHA-256, in order */
export function digestOfPieces(pieces: Iterable<Uint8Array>): Buffer {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/** The digest of a blob, as its bytes pass. */
export class ExpectedHash {
  private readonly pieces: Buffer[] = [];
  private hash: Hash = createHash('sha256');
  private left: number;

  constructor(private readonly pieceBytes: ExpectedBytes['pieceBytes']) {
    this.left = pieceBytes?.[0] ?? Infinity;
  }

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + this.left);
      this.hash.update(part);
      this.left -= part.length;
      at += part.length;
      if (this.left === 0) this.endPiece();
    }
  }

  digest(): Buffer {
    return this.pieceBytes === null ? this.hash.digest() : digestOfPieces(this.pieces);
  }

  private endPiece(): void {
    this.pieces.push(this.hash.digest());
    this.hash = createHash('sha256');
    this.left = this.pieceBytes?.[this.pieces.length] ?? Infinity;
  }
}
