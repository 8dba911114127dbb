import type { PackBytes } from '#libs/archive';
import type { BlobStores, StoredBlob } from '#libs/blobs';
import { type DataSource, query } from '#libs/database';
import { readFrameRange } from '#libs/dicom';
import type { PlacedInstance, SeriesLayout } from './read-series.js';

/** Bytes of a pack that are kept near, and where. */
export interface KeptPreview {
  blob: StoredBlob;
  store: string;
  ranges: { packOffset: number; length: number; keptOffset: number }[];
}

interface PreviewRow {
  frameKind: 'native' | 'encapsulated';
  frames: number;
  pixelDataOffset: number | null;
  frameBits: number | null;
  /** 16 bytes a frame asked for. */
  entries: Buffer[] | null;
}

/** More than this is not a preview any more: a colour slide's tiles have 100 KB, a mammogram's frame 30 MB. */
const frameBytesMax = 48 * 1024 ** 2;
const previewBytesMax = 64 * 1024 ** 2;

/**
 * Writes what previews of a series are made of to the hot tier: of its first and its middle instance the first and the
 * middle frame.
 * @param placeOf where an instance begins in the pack that readers will be sent to
 * @returns undefined when it has no frames, or larger ones than previews are made of
 */
export async function keepPreview(
  db: DataSource,
  stores: BlobStores,
  packs: PackBytes,
  layout: SeriesLayout,
  placeOf: (instance: PlacedInstance) => number,
): Promise<KeptPreview | undefined> {
  const { instances } = layout;
  const chosen = [...new Set([instances[0]!, instances[Math.floor(instances.length / 2)]!])];
  const ranges: { instance: PlacedInstance; offset: number; length: number }[] = [];
  for (const instance of chosen) {
    for (const range of await frameRanges(db, instance.instanceKey)) ranges.push({ instance, ...range });
  }
  const bytes = ranges.reduce((sum, { length }) => sum + length, 0);
  if (ranges.length === 0 || bytes > previewBytesMax) return undefined;
  const { hot } = stores;
  const writer = await hot.write({ bytes });
  try {
    const kept: KeptPreview['ranges'] = [];
    for (const { instance, offset, length } of ranges) {
      const [copy] = layout.packs.get(instance.packId)?.copies ?? [];
      if (copy === undefined) throw new Error(`Pack ${instance.packId} has no copy to read`);
      kept.push({ packOffset: placeOf(instance) + offset, length, keptOffset: writer.bytes });
      const source = packs.of(instance.packId, copy);
      for await (const chunk of await source.readRange(copy.key, instance.offset + offset, length)) {
        await writer.write(chunk as Buffer);
      }
    }
    return { blob: await writer.commit(), store: hot.name, ranges: kept };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** The first frame and the middle one, as bytes of the Part 10 object. */
async function frameRanges(db: DataSource, instanceKey: number): Promise<{ offset: number; length: number }[]> {
  const [row] = await query<PreviewRow>(
    db,
    `select f.frame_kind as "frameKind", f.frames, f.pixel_data_offset as "pixelDataOffset", f.frame_bits as "frameBits",
            case when f.frame_kind = 'encapsulated' then
              array[substring(f.frame_entries from 1 for 16),
                    substring(f.frame_entries from f.frames / 2 * 16 + 1 for 16)] end as entries
       from (select i.*, coalesce(octet_length(i.frame_entries) / 16, i.number_of_frames, 1) as frames
               from instance i where i.instance_key = $1 and i.frame_kind in ('native', 'encapsulated')) f`,
    [instanceKey],
  );
  if (row === undefined) return [];
  const numbers = [...new Set([0, Math.floor(row.frames / 2)])];
  const ranges = numbers.map((number, index) => {
    if (row.frameKind === 'encapsulated') {
      const { offset, length } = readFrameRange(row.entries![index === 0 ? 0 : 1]!, 0);
      return { offset, length };
    }
    const start = Math.floor((number * row.frameBits!) / 8);
    const end = Math.ceil(((number + 1) * row.frameBits!) / 8);
    return { offset: row.pixelDataOffset! + start, length: end - start };
  });
  return ranges.filter(({ length }) => length > 0 && length <= frameBytesMax);
}
