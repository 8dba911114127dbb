import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readPart10 } from '#libs/dicom';
import { startArchive, store } from './wado-support.js';

jest.setTimeout(600_000);

const run = promisify(execFile);
const shared = path.resolve(import.meta.dirname, '../../../shared/data/dicom');
const explicit = '1.2.840.10008.1.2.1';

/** DCMTK's decoders, by the transfer syntaxes they are for. */
const decoders: [RegExp, string, string[]][] = [
  [/\.4\.(5\d|70)$/, 'dcmdjpeg', []],
  [/\.4\.8[01]$/, 'dcmdjpls', []],
  [/\.1\.2\.5$/, 'dcmdrle', []],
];
const decoderOf = (transferSyntaxUid: string) => decoders.find(([pattern]) => pattern.test(transferSyntaxUid))?.[1];

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const hasDcmtk = isInstalled('dcmdjpeg') && isInstalled('dcmdjpls') && isInstalled('dcmdrle');
if (!hasDcmtk) console.warn('DCMTK is not installed: nothing to compare decoders with.');

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.dcm'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Real instances are too large for this repository: where they are not, or DCMTK is not, there is nothing to try. */
(existsSync(shared) && hasDcmtk ? describe : describe.skip)('pixels of real instances, with DCMTK', () => {
  let suite: Awaited<ReturnType<typeof startArchive>>;
  let folder: string;
  let number = 100;

  beforeAll(async () => {
    suite = await startArchive();
    folder = await mkdtemp(path.join(tmpdir(), 'isocenter-dcmtk-'));
  });
  afterAll(async () => {
    await suite?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Stores the file under a SOP Instance UID of its own: many of these are one image in several syntaxes. */
  async function stored(file: string) {
    const bytes = readFileSync(file);
    const { sopInstanceUid } = readPart10(bytes);
    number += 1;
    const other = sopInstanceUid.slice(0, -3) + String(number);
    for (let at = bytes.indexOf(sopInstanceUid); at !== -1; at = bytes.indexOf(sopInstanceUid, at + 1)) {
      bytes.write(other, at, 'latin1');
    }
    await store(suite.dicomweb, [bytes]);
    const read = readPart10(bytes);
    const url = `${suite.dicomweb}/studies/${read.studyInstanceUid}/series/${read.seriesInstanceUid}/instances/${read.sopInstanceUid}`;
    return { ...read, bytes, url };
  }

  async function given(url: string, transferSyntaxUid: string): Promise<Buffer> {
    const response = await fetch(url, {
      headers: { accept: `application/dicom; transfer-syntax=${transferSyntaxUid}` },
    });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  }

  async function dcmtkDecoded(program: string, bytes: Buffer): Promise<Buffer> {
    const [from, to] = [path.join(folder, 'from.dcm'), path.join(folder, 'to.dcm')];
    await writeFile(from, bytes);
    await run(program, [from, to]);
    return readFileSync(to);
  }

  const pixelsOf = (bytes: Buffer): Buffer => {
    const { frames } = readPart10(bytes);
    if (frames.kind !== 'native') throw new Error(`The frames are ${frames.kind}`);
    return bytes.subarray(frames.pixelDataOffset, frames.pixelDataOffset + frames.pixelDataLength);
  };
  const attributesOf = (bytes: Buffer) => {
    const { dataset } = readPart10(bytes);
    const tags = ['00280002', '00280004', '00280006', '00280008', '00280010', '00280011', '00280100', '00280103'];
    return tags.map((tag) => dataset[tag]?.Value?.[0]);
  };

  /** Undefined for the few that lack a UID, and are no instances. */
  const syntaxOf = (file: string): string | undefined => {
    try {
      return readPart10(readFileSync(file)).transferSyntaxUid;
    } catch {
      return undefined;
    }
  };
  const compressed = existsSync(shared)
    ? filesUnder(path.join(shared, 'transfer-syntaxes')).filter((file) => {
        const transferSyntaxUid = syntaxOf(file);
        return transferSyntaxUid !== undefined && decoderOf(transferSyntaxUid) !== undefined;
      })
    : [];

  it.each(compressed.map((file) => [path.relative(shared, file), file]))(
    'decodes %s as DCMTK does',
    async (_name, file) => {
      const instance = await stored(file);
      const ours = await given(instance.url, explicit);
      const theirs = await dcmtkDecoded(decoderOf(instance.transferSyntaxUid)!, instance.bytes);
      expect(attributesOf(ours)).toEqual(attributesOf(theirs));
      expect(pixelsOf(ours).equals(pixelsOf(theirs))).toBe(true);
    },
  );

  const ct = path.join(shared, 'transfer-syntaxes/one-ct-every-syntax');

  it('decodes one CT to the same pixels from every lossless syntax', async () => {
    const reference = readdirSync(ct).find((name) => name.includes('LittleEndianExplicit'))!;
    const expected = pixelsOf(readFileSync(path.join(ct, reference)));
    const names = readdirSync(ct).filter((name) => /Lossless|LittleEndianImplicit|BigEndian|Process14/.test(name));
    expect(names.length).toBeGreaterThanOrEqual(6);
    for (const name of names) {
      const { url } = await stored(path.join(ct, name));
      expect([name, pixelsOf(await given(url, explicit)).equals(expected)]).toEqual([name, true]);
    }
  });

  it('encodes what DCMTK decodes to the same pixels', async () => {
    const files = [
      path.join(
        ct,
        readdirSync(ct).find((name) => name.includes('BigEndian'))!,
      ),
      path.join(shared, 'us-echo/IM00001.fragmented_no_bot_jpeg_baseline.50.dcm'),
      path.join(shared, 'transfer-syntaxes/fragments/CT1_UNC.not_fragmented_no_bot_jpeg_ls.80.dcm'),
    ];
    for (const file of files) {
      const { url, transferSyntaxUid } = await stored(file);
      const native = await given(url, explicit);
      for (const syntax of ['1.2.840.10008.1.2.4.70', '1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.5']) {
        if (syntax === transferSyntaxUid) continue;
        const encoded = await given(url, syntax);
        expect(readPart10(encoded).transferSyntaxUid).toBe(syntax);
        const theirs = await dcmtkDecoded(decoderOf(syntax)!, encoded);
        const place = [path.basename(file), syntax];
        expect([...place, ...attributesOf(theirs)]).toEqual([...place, ...attributesOf(native)]);
        expect([...place, pixelsOf(theirs).equals(pixelsOf(native))]).toEqual([...place, true]);
      }
    }
  });
});
