import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import { type DicomJson, jsonText, readPart10 } from '#libs/dicom';
import { runModel } from '../../apps/inference/src/runtime/run-model.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { slide } from './fetched-samples.js';
import { darkTissue, loadTiny } from './tiny-models.js';

jest.setTimeout(300_000);

const options = { executionProviders: ['cpu'], intraOpThreads: 1 };
const python = ['/usr/bin/python3', 'python3'].find(
  (one) => spawnSync(one, ['-c', 'import pydicom, numpy'], { stdio: 'ignore' }).status === 0,
);
const hasDciodvfy = spawnSync('dciodvfy', [], { stdio: 'ignore' }).error === undefined;
if (python === undefined) console.warn('pydicom is not on this machine: it does not read the segmentations of slides.');

/**
 * The labels of every pixel of the slide as somebody else reads them: from the places of frames, or by their order where they have
 * none (PS3.3 C.7.6.17.3).
 */
const reader = `
import sys, json, numpy as np, pydicom
d = pydicom.dcmread(sys.argv[1])
n, h, w = int(d.NumberOfFrames), int(d.Rows), int(d.Columns)
if d.BitsAllocated == 1:
    a = np.unpackbits(np.frombuffer(d.PixelData, "u1"), bitorder="little")[:n * h * w]
else:
    a = np.frombuffer(d.PixelData, "u1")[:n * h * w]
a = a.reshape(n, h, w)
R, C = int(d.TotalPixelMatrixRows), int(d.TotalPixelMatrixColumns)
down, across = -(-R // h), -(-C // w)
out = np.zeros((down * h, across * w), "u1")
def put(segment, row, column, frame):
    part = out[row:row + h, column:column + w]
    part[frame > 0] = frame[frame > 0] if segment == 0 else segment
if d.DimensionOrganizationType == "TILED_FULL":
    segments = [0] if d.SegmentationType == "LABELMAP" else [int(s.SegmentNumber) for s in d.SegmentSequence]
    assert n == len(segments) * down * across, n
    for i, frame in enumerate(a):
        segment, tile = divmod(i, down * across)
        put(segments[segment], tile // across * h, tile % across * w, frame)
else:
    shared = d.SharedFunctionalGroupsSequence[0]
    for frame, g in zip(a, d.PerFrameFunctionalGroupsSequence):
        p = g.PlanePositionSlideSequence[0]
        s = (g if "SegmentIdentificationSequence" in g else shared).SegmentIdentificationSequence[0].ReferencedSegmentNumber
        put(int(s), int(p.RowPositionInTotalImagePixelMatrix) - 1, int(p.ColumnPositionInTotalImagePixelMatrix) - 1, frame)
sys.stdout.buffer.write(out[:R, :C].tobytes())
`;

/**
 * What says where frames lie and which segment they show may be left out where all tiles are there in their order (PS3.3 C.7.6.17.3,
 * A.51.5); dciodvfy knows the standard as it was before.
 */
const sinceLeftOut = /<(SegmentIdentificationSequence|PerFrameFunctionalGroupsSequence)>/;

/** Dark and less dark stripes, and clear glass from column `glassFrom` on. */
async function stripes(columns: number, rows: number, glassFrom: number): Promise<{ png: string; labels: Uint8Array }> {
  const labels = Uint8Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    if (column >= glassFrom) return 0;
    return (row + column) % 7 < 3 ? 1 : 2;
  });
  const grey = [245, 60, 150];
  const png = path.join(temporaryFolder('stripes'), 'stripes.png');
  await sharp(Buffer.from(labels.map((label) => grey[label]!)), { raw: { width: columns, height: rows, channels: 1 } })
    .toColourspace('srgb')
    .png()
    .toFile(png);
  return { png, labels };
}

describe('segmentations of slides', () => {
  it.each<[string, 'binary' | 'labelmap', string, number, [number, number, number]]>([
    ['a bit a segment, where something is', 'binary', 'TILED_SPARSE', 64, [700, 300, 230]],
    ['a bit a segment, every tile of a slide with tens of thousands', 'binary', 'TILED_FULL', 16, [2300, 1200, 2300]],
    ['a label a pixel', 'labelmap', 'TILED_FULL', 64, [700, 300, 230]],
  ])('%s', async (_, form, organization, size, [columns, rows, glassFrom]) => {
    const { png, labels } = await stripes(columns, rows, glassFrom);
    const model = await loadTiny('pathology/dark', darkTissue(size, form));
    const task = await slide(model, png, [256, 256]);
    const output = await runModel(model, task, options);
    const file = output.objects[0]!.file;
    const { dataset } = readPart10(readFileSync(file)) as { dataset: DicomJson };
    expect(jsonText(dataset, '00209311')).toBe(organization);
    if (form === 'binary' && hasDciodvfy) {
      const { stderr } = spawnSync('dciodvfy', [file], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
      const errors = stderr.split('\n').filter((line) => line.startsWith('Error'));
      expect(errors.filter((line) => organization !== 'TILED_FULL' || !sinceLeftOut.test(line))).toEqual([]);
    }
    const dark = labels.reduce((sum, label) => sum + Number(label === 1), 0);
    expect(output.findings[0]!.value).toBeCloseTo(dark * 0.0005 * 0.0005, 5);
    if (python === undefined) return;
    const read = execFileSync(python, ['-c', reader, file], { maxBuffer: 256 * 1024 ** 2 });
    expect(read.length).toBe(labels.length);
    expect(Buffer.compare(read, labels)).toBe(0);
  });
});
