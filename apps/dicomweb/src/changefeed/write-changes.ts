import type { Change, ReadChanges } from '#libs/archive';
import { presentMetadata } from '../wado/metadata/present-metadata.js';

const metadataBytesPerRead = 4 * 1024 ** 2;

/**
 * The feed as a JSON array, in pieces: the metadata of a thousand slides is more than one holds at once.
 * @param dicomwebUrl for the addresses in the metadata, as the client sees us; undefined: no metadata is wanted
 */
export async function* writeChanges(
  changes: readonly Change[],
  feed: Pick<ReadChanges, 'metadata'>,
  dicomwebUrl: string | undefined,
): AsyncGenerator<Buffer> {
  let separator = '[';
  for (const some of inReads(changes, dicomwebUrl !== undefined)) {
    const texts = await readMetadata(some, feed, dicomwebUrl);
    let piece = '';
    for (const change of some) {
      piece += separator + writeChange(change, texts.get(change.currentInstanceKey ?? -1));
      separator = ',';
    }
    yield Buffer.from(piece);
  }
  yield Buffer.from(separator === '[' ? '[]' : ']');
}

/** Of the versions that are here, as WADO-RS gives it, by instance key. */
export async function readMetadata(
  changes: readonly Change[],
  feed: Pick<ReadChanges, 'metadata'>,
  dicomwebUrl: string | undefined,
): Promise<Map<number, string>> {
  if (dicomwebUrl === undefined) return new Map();
  const keys = new Set(changes.flatMap(({ currentInstanceKey: key }) => (key === null ? [] : [key])));
  const stored = await feed.metadata([...keys]);
  return new Map(
    [...stored].map(([key, { text, transferSyntaxUid }]) => [
      key,
      presentMetadata(text, { dicomwebUrl, transferSyntaxUid }),
    ]),
  );
}

/**
 * One entry as microsoft/dicom-server writes it.
 * @param metadata of the version that is here; undefined: there is none, or it is not wanted
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
