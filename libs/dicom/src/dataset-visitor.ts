/** What the elements of a dataset are told to, in the order of the bytes. Offsets count from the first byte parsed. */
export interface DatasetVisitor {
  /** Whether the value is to be given to {@link element}; if not, its bytes pass by and {@link bulk} is told. */
  keeps(tag: string, vr: string, length: number): boolean;
  /** @param bytes the value's field with its padding; only valid during the call */
  element(tag: string, vr: string, bytes: Buffer, bigEndian: boolean): void;
  bulk(place: ValuePlace): void;
  /** @param offset of the first byte behind its header */
  startSequence(tag: string, offset: number): void;
  endSequence(): void;
  startItem(): void;
  endItem(): void;
  /** Encapsulated pixel data begins; answers what is wanted of its fragments. */
  startFragments(tag: string, vr: string, offset: number): FragmentInterest;
  /** @param bytes of the Basic Offset Table, empty when there is none or it was not asked for */
  offsetTable(bytes: Buffer): void;
  /** @param start the first bytes of the fragment (up to 4), when edges were asked for */
  fragment(offset: number, length: number, start: Buffer): void;
  /** @param end the last bytes of the fragment just told (up to 16), when edges were asked for */
  fragmentEnd(end: Buffer): void;
  /** @param offset of the delimiter behind the last fragment */
  endFragments(offset: number): void;
  /** @param offset of the zeros that some writers put behind the last element */
  padding?(offset: number): void;
}

/** A value that is left where it is. */
export interface ValuePlace {
  tag: string;
  vr: string;
  offset: number;
  length: number;
  bigEndian: boolean;
}

export interface FragmentInterest {
  offsetTable: boolean;
  edges: boolean;
}
