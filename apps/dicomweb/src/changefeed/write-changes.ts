import type { Change, ReadChanges } from '#libs/archive';

const metadataBytesPerRead = 4 * 1024 ** 2;

/** The feed as a JSON array, in pieces: the metadata of a thousand slides is more than one holds at once. */
export async function* writeChanges(
  changes: readonly Change[],
  feed: Pick<ReadChanges, 'metadata'>,
  includesMetadata: boolean,
): AsyncGenerator<Buffer> {
  let separator = '[';
  for (const some of inReads(changes, includesMetadata)) {
    const texts = includesMetadata ? await feed.metadata(keysOf(some)) : new Map<number, string>();
    let piece = '';
    for (const change of some) {
      piece += separator + writeChange(change, texts.get(change.currentInstanceKey ?? -1));
      separator = ',';
    }
    yield Buffer.from(piece);
  }
  yield Buffer.from(separator === '[' ? '[]' : ']');
}

/**
 * One entry as microsoft/dicom-server writes it.
 * @param metadata of the version that is here, as it is stored; undefined: none, or not wanted
 */
export function writeChange(change: Change, metadata: string | undefined): string {
  const entry = JSON.stringify({
    Sequence: change.sequence,
    StudyInstanceUid: change.studyInstanceUid,
    SeriesInstanceUid: change.seriesInstanceUid,
    SopInstanceUid: change.sopInstanceUid,
    Action: change.action,
    Timestamp: change.changedAt,
    State: change.state,
  });
  return metadata === undefined ? entry : `${entry.slice(0, -1)},"Metadata":${metadata}}`;
}

export const keysOf = (changes: readonly Change[]): number[] => [
  ...new Set(changes.flatMap(({ currentInstanceKey: key }) => (key === null ? [] : [key]))),
];

/** As many together as one read may bring; one that is larger comes alone. */
function* inReads(changes: readonly Change[], includesMetadata: boolean): Generator<Change[]> {
  let some: Change[] = [];
  let bytes = 0;
  for (const change of changes) {
    if (includesMetadata && some.length > 0 && bytes + change.metadataBytes > metadataBytesPerRead) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(change);
    bytes += change.metadataBytes;
  }
  if (some.length > 0) yield some;
}
