import { beforeAll, describe, expect, it } from '@jest/globals';
import { jsonNumber, jsonNumbers, jsonText, type ParsedInstance, readPart10 } from '#libs/dicom';
import { growLungs } from './lungs.js';
import { chestSlices, makeChestSlice } from './make-chest-ct.js';
import { diaphragmHeight, lungDepth } from './thorax.js';

interface Slice {
  parsed: ParsedInstance;
  z: number;
  /** At the pixel nearest to a place in mm. */
  hu(x: number, y: number): number;
  /** Of every fourth pixel each way, those at least `margin` mm inside the lungs. */
  lung(margin: number): number[];
}

function readSlice(bytes: Buffer): Slice {
  const parsed = readPart10(bytes);
  const { dataset, frames } = parsed;
  if (frames.kind !== 'native') throw new Error(`not native: ${frames.kind}`);
  const [left = 0, front = 0, z = 0] = jsonNumbers(dataset, '00200032');
  const [spacing = 0] = jsonNumbers(dataset, '00280030');
  const columns = jsonNumber(dataset, '00280011') ?? 0;
  const intercept = jsonNumber(dataset, '00281052') ?? 0;
  const at = (row: number, column: number) =>
    bytes.readUInt16LE(frames.pixelDataOffset + (row * columns + column) * 2) + intercept;
  return {
    parsed,
    z,
    hu: (x, y) => at(Math.round((y - front) / spacing), Math.round((x - left) / spacing)),
    lung: (margin) => {
      const values: number[] = [];
      for (let row = 0; row < columns; row += 4) {
        for (let column = 0; column < columns; column += 4) {
          if (lungDepth(left + column * spacing, front + row * spacing, z) > margin) values.push(at(row, column));
        }
      }
      return values;
    },
  };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const shareBelow = (values: number[], hu: number) => values.filter((value) => value < hu).length / values.length;

describe('the sample chest CT', () => {
  const lungs = growLungs(20250115);
  let slices: Slice[];

  beforeAll(() => {
    slices = [0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 59].map((index) => readSlice(makeChestSlice(index, lungs)));
  }, 60_000);

  const nearest = (z: number): Slice => {
    const [first] = slices.toSorted((a, b) => Math.abs(a.z - z) - Math.abs(b.z - z));
    if (!first) throw new Error('no slices');
    return first;
  };

  it('is marked as what it is', () => {
    for (const { parsed } of slices) {
      expect(jsonText(parsed.dataset, '00100020')).toBe('ISOCENTER-SAMPLE-1');
      expect(parsed.dataset['00100010']?.Value).toEqual([{ Alphabetic: 'Sample^Chest' }]);
      expect(jsonText(parsed.dataset, '00081030')).toMatch(/^SAMPLE /);
      expect(jsonText(parsed.dataset, '00204000')).toBe('Synthetic phantom, not a patient');
      expect(jsonText(parsed.dataset, '00280301')).toBe('NO');
      expect(parsed.sopClassUid).toBe('1.2.840.10008.5.1.4.1.1.2');
    }
    expect(new Set(slices.map(({ parsed }) => parsed.seriesInstanceUid)).size).toBe(1);
    expect(new Set(slices.map(({ parsed }) => parsed.sopInstanceUid)).size).toBe(slices.length);
  });

  it('lies axially in one frame of reference, slices 5 mm apart from head to feet', () => {
    const [first, second] = [0, 1].map((index) => readSlice(makeChestSlice(index, lungs)));
    expect((first?.z ?? 0) - (second?.z ?? 0)).toBe(5);
    for (const { parsed, z } of slices) {
      const { dataset } = parsed;
      expect(jsonNumbers(dataset, '00200037')).toEqual([1, 0, 0, 0, 1, 0]);
      expect(jsonNumber(dataset, '00200013')).toBe((135 - z) / 5 + 1);
      expect(jsonNumber(dataset, '00201041')).toBe(z);
      expect(jsonNumber(dataset, '00180050')).toBe(5);
      expect(jsonNumbers(dataset, '00280030')[0]).toBeCloseTo(380 / 512, 8);
      expect([jsonNumber(dataset, '00281053'), jsonNumber(dataset, '00281052')]).toEqual([1, -1024]);
    }
    expect(new Set(slices.map(({ parsed }) => jsonText(parsed.dataset, '00200052'))).size).toBe(1);
  });

  it('covers the lungs: none in the first and last slice', () => {
    expect(slices[0]?.lung(0)).toHaveLength(0);
    expect(slices.at(-1)?.lung(0)).toHaveLength(0);
    expect(slices.at(-1)?.z).toBe(135 - (chestSlices - 1) * 5);
    expect(nearest(0).lung(0).length).toBeGreaterThan(1200);
  });

  it('has the attenuation of what it shows', () => {
    const around = (x: number, y: number, z: number) => {
      const slice = nearest(z);
      const values: number[] = [];
      for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) values.push(slice.hu(x + dx, y + dy));
      return mean(values);
    };
    expect(around(-170, -170, 0)).toBeCloseTo(-1000, -1); // air beside the body
    expect(around(-0.5, 13, 105)).toBeLessThan(-950); // windpipe
    expect(Math.abs(around(-10, -26, 15) - 42)).toBeLessThan(12); // ascending aorta
    expect(Math.abs(around(30, -34, -45) - 46)).toBeLessThan(12); // heart
    expect(Math.abs(around(-60, 0, -135) - 57)).toBeLessThan(12); // liver
    expect(diaphragmHeight(-60, 0)).toBeGreaterThan(-135);
    expect(around(0, 58, 15)).toBeGreaterThan(90); // vertebra
    expect(
      mean(
        nearest(0)
          .lung(20)
          .filter((hu) => hu < -700),
      ),
    ).toBeLessThan(-840);
  });

  it('has emphysema, most in the upper lobes', () => {
    const all = slices.flatMap((slice) => slice.lung(1));
    const upper = slices.filter(({ z }) => z > 30).flatMap((slice) => slice.lung(1));
    const lower = slices.filter(({ z }) => z < -50).flatMap((slice) => slice.lung(1));
    expect(shareBelow(all, -950)).toBeGreaterThan(0.09);
    expect(shareBelow(all, -950)).toBeLessThan(0.18);
    expect(shareBelow(upper, -950)).toBeGreaterThan(3 * shareBelow(lower, -950));
  });

  it('has noise whose neighbours are alike, as a scanner leaves it', () => {
    const slice = nearest(-135);
    const rows = Array.from({ length: 30 }, (_, row) =>
      Array.from({ length: 30 }, (__, column) => slice.hu(-80 + column * 0.7421875, -15 + row * 0.7421875)),
    );
    const middle = mean(rows.flat());
    const variance = mean(rows.flat().map((value) => (value - middle) ** 2));
    const next = mean(
      rows.flatMap((row) => row.slice(1).map((value, at) => (value - middle) * ((row[at] ?? 0) - middle))),
    );
    expect(Math.sqrt(variance)).toBeGreaterThan(6);
    expect(Math.sqrt(variance)).toBeLessThan(30);
    expect(next / variance).toBeGreaterThan(0.2);
  });

  it('is the same bytes each time', () => {
    const [once, again] = [growLungs(20250115), growLungs(20250115)];
    expect(makeChestSlice(14, once).equals(makeChestSlice(14, again))).toBe(true);
  });
});
