/** Where an instance comes from: a sender, or our own analysis of what a sender sent (which is not routed again). */
export type Origin = 'sender' | 'isocenter';

/** One object as it comes in: its bytes pass by once. */
export interface IncomingPart {
  /** Counted from 1 in the request, for messages. */
  number: number;
  /** What messages call it, where it is not a part by itself. Default: `Part <number>`. */
  name?: string;
  /**
   * May throw a DicomError, when it is made as it is read: then this instance fails, and the others do not. A chunk is
   * good until the next is asked for.
   */
  body: AsyncIterable<Uint8Array>;
}

export interface StoreOptions {
  /** Only instances of this study are taken (PS3.18 10.5.1). */
  studyInstanceUid?: string;
  origin: Origin;
}

export interface StoredInstance {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopClassUid: string;
  sopInstanceUid: string;
  /** It was here before, the same to the byte of its dataset: nothing was stored twice. */
  isDuplicate: boolean;
  /** Warning Reason (0008,1196). */
  warning?: number;
}

export interface FailedInstance {
  part: number;
  sopClassUid?: string;
  sopInstanceUid?: string;
  /** Failure Reason (0008,1197). */
  reason: number;
  /** What is wrong, and where. */
  text: string;
}

export interface StoreOutcome {
  stored: StoredInstance[];
  failed: FailedInstance[];
}
