import type { Readable } from 'node:stream';
import { isUid } from '#libs/dicom';
import { ZipFile } from 'yazl';
import type { InstanceRow } from '#libs/archive';

export interface ZipEntry {
  row: InstanceRow;
  /** Bytes, when known before they are made. */
  length?: number | undefined;
  open: () => Promise<Readable>;
}

export interface ZipAnswer {
  body: Readable;
  /** Of the whole, bytes; undefined when that of an entry is not known. */
  length: number | undefined;
}

// The same instances give the same file: its dates say nothing of when it was asked for.
const modified = new Date(1980, 0, 1);

/**
 * Instances as a zip file, written as it is read: `<Series Instance UID>/<SOP Instance UID>.dcm`, without a patient's
 * name and in numbers and dots only, so that no name means anything to a file system. Pixels do not get smaller by
 * deflating, so they are not.
 * @param entries the first is opened before this resolves, so that what fails at once is still an honest error answer
 */
export async function zipInstances(entries: readonly ZipEntry[]): Promise<ZipAnswer> {
  const zip = new ZipFile();
  const body = zip.outputStream as Readable;
  const first = await entries[0]?.open();
  let current: Readable | undefined;
  // What fails ends the file without its directory: no reader takes it for whole.
  zip.on('error', (error: Error) => body.destroy(error));
  body.once('close', () => current?.destroy());
  for (const [index, { row, length, open }] of entries.entries()) {
    const options = { compress: false, mtime: modified, ...(length !== undefined && { size: length }) };
    zip.addReadStreamLazy(nameOf(row, index), options, (take) => {
      (index === 0 ? Promise.resolve(first!) : open()).then(
        (opened) => {
          if (body.destroyed) return void opened.destroy();
          current = opened;
          opened.on('error', (error) => body.destroy(error));
          take(null, opened);
        },
        (error: Error) => body.destroy(error),
      );
    });
  }
  let total = -1;
  // Called with the size, whatever its types say; with -1 when that is not known.
  zip.end({ forceZip64Format: false, comment: '' }, (...[bytes]: number[]) => {
    total = bytes ?? -1;
  });
  return { body, length: total < 0 ? undefined : total };
}

/** Instances of zip files are looked at by people too: what has no proper UID is told apart by its place. */
function nameOf({ seriesInstanceUid, sopInstanceUid }: InstanceRow, index: number): string {
  const folder = isUid(seriesInstanceUid) ? seriesInstanceUid : 'series';
  return `${folder}/${isUid(sopInstanceUid) ? sopInstanceUid : index + 1}.dcm`;
}
