import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { chooseFrame } from './choose-frame.js';
import { tilePositions } from './tile-positions.js';

const matrix = (totalColumns: number, totalRows: number, columns: number, rows: number): DicomJson => ({
  '00280010': { vr: 'US', Value: [rows] },
  '00280011': { vr: 'US', Value: [columns] },
  '00480006': { vr: 'UL', Value: [totalColumns] },
  '00480007': { vr: 'UL', Value: [totalRows] },
});
const at = (column: number, row: number): DicomJson => ({
  '0048021A': {
    vr: 'SQ',
    Value: [{ '0048021E': { vr: 'SL', Value: [column] }, '0048021F': { vr: 'SL', Value: [row] } }],
  },
});

describe('tilePositions', () => {
  it('lays full tiles row by row, the last ones reaching over the edge', () => {
    const level = tilePositions({ ...matrix(5, 3, 2, 2), '00209311': { vr: 'CS', Value: ['TILED_FULL'] } }, 6);
    expect(level).toEqual({
      totalColumns: 5,
      totalRows: 3,
      tiles: [
        { frameIndex: 0, columnOffset: 0, rowOffset: 0 },
        { frameIndex: 1, columnOffset: 2, rowOffset: 0 },
        { frameIndex: 2, columnOffset: 4, rowOffset: 0 },
        { frameIndex: 3, columnOffset: 0, rowOffset: 2 },
        { frameIndex: 4, columnOffset: 2, rowOffset: 2 },
        { frameIndex: 5, columnOffset: 4, rowOffset: 2 },
      ],
    });
  });

  it('takes the first plane of several, and no more frames than there are', () => {
    expect(tilePositions(matrix(4, 2, 2, 2), 6)?.tiles.map((tile) => tile.frameIndex)).toEqual([0, 1]);
    expect(tilePositions(matrix(4, 4, 2, 2), 3)?.tiles).toHaveLength(3);
  });

  it('lays sparse tiles where they say, the first of those in one place, none outside', () => {
    const dataset = {
      ...matrix(4, 4, 2, 2),
      '52009230': { vr: 'SQ', Value: [at(3, 1), at(1, 3), at(3, 1), at(5, 1), at(0, 1), {}] },
    };
    expect(tilePositions(dataset, 6)?.tiles).toEqual([
      { frameIndex: 0, columnOffset: 2, rowOffset: 0 },
      { frameIndex: 1, columnOffset: 0, rowOffset: 2 },
    ]);
  });

  it('cuts the margin off a single tile', () => {
    expect(tilePositions(matrix(3, 4, 4, 4), 1)).toEqual({
      totalColumns: 3,
      totalRows: 4,
      tiles: [{ frameIndex: 0, columnOffset: 0, rowOffset: 0 }],
    });
    expect(tilePositions(matrix(4, 4, 4, 4), 1)).toBeUndefined();
    expect(tilePositions(matrix(40, 40, 4, 4), 1)).toBeUndefined();
  });

  it('knows what is not tiled', () => {
    expect(
      tilePositions({ '00280010': { vr: 'US', Value: [2] }, '00280011': { vr: 'US', Value: [2] } }, 1),
    ).toBeUndefined();
    expect(tilePositions(matrix(0, 0, 2, 2), 1)).toBeUndefined();
  });
});

describe('chooseFrame', () => {
  it('takes the middle, or the frame that the creator named', () => {
    expect([1, 2, 3, 10].map((frames) => chooseFrame({}, frames))).toEqual([0, 1, 1, 5]);
    expect(chooseFrame({ '00286010': { vr: 'US', Value: [3] } }, 10)).toBe(2);
    expect(chooseFrame({ '00286010': { vr: 'US', Value: [11] } }, 10)).toBe(5);
  });
});
