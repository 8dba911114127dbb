import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { tilePosition } from './tile-position.js';

const us = (value: number) => ({ vr: 'US', Value: [value] });
/** 3 x 2 tiles of 100 x 50, the last ones reaching over the edge. */
const level: DicomJson = { '00280010': us(50), '00280011': us(100), '00480006': us(250), '00480007': us(99) };

describe('tilePosition', () => {
  it('goes row by row where the frames do not say, and begins again with the next focal plane', () => {
    expect([0, 2, 3, 5, 6, 9].map((frame) => tilePosition(level, frame))).toEqual([
      { columnOffset: 0, rowOffset: 0 },
      { columnOffset: 200, rowOffset: 0 },
      { columnOffset: 0, rowOffset: 50 },
      { columnOffset: 200, rowOffset: 50 },
      { columnOffset: 0, rowOffset: 0 },
      { columnOffset: 0, rowOffset: 50 },
    ]);
  });

  it('believes what a frame says of itself', () => {
    const at = (column: number, row: number): DicomJson => ({
      '0048021A': {
        vr: 'SQ',
        Value: [{ '0048021E': { vr: 'SL', Value: [column] }, '0048021F': { vr: 'SL', Value: [row] } }],
      },
    });
    const sparse = {
      ...level,
      '52009230': { vr: 'SQ', Value: [at(201, 51), at(1, 1)] },
      '00209311': { vr: 'CS', Value: ['TILED_SPARSE'] },
    };
    expect(tilePosition(sparse, 0)).toEqual({ columnOffset: 200, rowOffset: 50 });
    expect(tilePosition(sparse, 1)).toEqual({ columnOffset: 0, rowOffset: 0 });
    expect(() => tilePosition(sparse, 2)).toThrow(expect.objectContaining({ code: 'missing-attribute' }));
  });
});
