import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { storableThoughBad, unstorable } from './corpus-exceptions.js';
import { CorpusArchive, personName } from './corpus-support.js';

jest.setTimeout(1_200_000);

const shared = path.resolve(import.meta.dirname, '../../../shared/data/dicom');
const isHere = existsSync(shared);
const files = isHere
  ? readdirSync(shared, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(shared, path.join(entry.parentPath, entry.name)))
      .sort()
  : [];
const folders = [...new Set(files.map((file) => path.dirname(file)))];

/** What follows the File Meta Information (PS3.10 7.1), where that says its length. */
function dataSetOf(bytes: Buffer): Buffer {
  const saysLength = bytes.toString('latin1', 128, 132) === 'DICM' && bytes.readUInt32LE(132) === 0x00000002;
  return saysLength ? bytes.subarray(144 + bytes.readUInt32LE(140)) : bytes;
}

// A thousand real files are too large for this repository: where they are not, there is nothing to try.
(isHere ? describe : describe.skip)('a thousand real, odd and broken files', () => {
  let archive: CorpusArchive;
  const contents = new Map<string, Buffer>();

  beforeAll(async () => {
    archive = await CorpusArchive.start();
  });
  afterAll(async () => {
    await archive?.stop();
  });

  /** Failure Reason with which the file is to be refused; undefined when it is to be stored. */
  function refusalOf(file: string): string | undefined {
    const listed = unstorable.find(({ files }) => files.some((one) => file === one || file.startsWith(`${one}/`)));
    if (listed) return listed.reason;
    const isBad = file.startsWith('bad/') && !storableThoughBad.some(({ files }) => files.includes(file));
    return isBad ? 'a failure' : undefined;
  }

  /** All that is odd, and of each folder a few, because its others are alike. */
  function isAskedForAll(file: string): boolean {
    const alike = files.filter((one) => path.dirname(one) === path.dirname(file));
    return /^(bad|odd)\//.test(file) || alike.indexOf(file) < 5;
  }

  /** @returns what is wrong with what became of the file */
  async function tryFile(file: string): Promise<string[]> {
    const bytes = readFileSync(path.join(shared, file));
    const refusal = refusalOf(file);
    // The number of changes says most; all is counted where nothing may change.
    const look = () => (refusal === undefined ? archive.changes() : archive.snapshot());
    const before = await look();
    let sent = await archive.send(bytes);
    if (sent.reason === '111' && refusal === undefined) {
      // Another content has its UID. That one must be as it was; then it makes room.
      const other = contents.get(sent.sopInstanceUid);
      const url = await archive.find(sent.sopInstanceUid);
      const seen = await archive.look({ ...sent, url }, other!);
      if (typeof seen === 'string') return [`the other content under its UID: ${seen}`];
      const after = await look();
      if (after !== before) return [`refused, and made ${after} changes of ${before}`];
      const status = await archive.delete(url);
      if (status !== 204) return [`DELETE of the other content under its UID: ${status}`];
      sent = await archive.send(bytes);
    }
    if (sent.url === undefined) {
      if (refusal === undefined) return [`refused with ${sent.status} ${sent.reason}: ${sent.comment.slice(0, 200)}`];
      const after = await look();
      if (JSON.stringify(after) !== JSON.stringify(before))
        return [`refused, and changed ${JSON.stringify([before, after])}`];
      if (sent.status !== 409 || !/Part 1: \S/.test(sent.comment))
        return [`refused without a word why: ${sent.status}`];
      return refusal === 'a failure' || refusal === sent.reason ? [] : [`refused with ${sent.reason} for ${refusal}`];
    }
    if (refusal !== undefined) return [`stored, where ${refusal} was expected`];
    // The same data set behind another preamble or File Meta Information is the same instance: the first is kept.
    const earlier = contents.get(sent.sopInstanceUid);
    const kept = earlier !== undefined && dataSetOf(earlier).equals(dataSetOf(bytes)) ? earlier : bytes;
    contents.set(sent.sopInstanceUid, kept);
    const seen = await archive.look(sent, kept);
    if (typeof seen === 'string') return [seen];
    return isAskedForAll(file) ? archive.askForAll(sent.url) : [];
  }

  it('lists no exception that is not there', () => {
    const listed = [...unstorable, ...storableThoughBad].flatMap((exception) => exception.files);
    expect(listed.filter((one) => !existsSync(path.join(shared, one)))).toEqual([]);
  });

  it.each(folders)('%s', async (folder) => {
    const wrong: string[] = [];
    for (const file of files.filter((one) => path.dirname(one) === folder)) {
      wrong.push(...(await tryFile(file)).map((fault) => `${file}: ${fault}`));
    }
    expect(wrong).toEqual([]);
  });

  it('has names in UTF-8 from every character set', async () => {
    const [, ...rows] = readFileSync(path.join(shared, 'charsets/derived/expected.tsv'), 'utf8').trim().split('\n');
    expect(rows.length).toBeGreaterThan(5);
    for (const [file, , name] of rows.map((row) => row.split('\t'))) {
      const bytes = readFileSync(path.join(shared, 'charsets/derived', file!));
      const seen = await archive.look(await archive.send(bytes), bytes);
      if (typeof seen === 'string') throw new Error(`${file}: ${seen}`);
      expect([file, personName(seen.found), personName(seen.metadata)]).toEqual([file, name, name]);
    }
  });
});
