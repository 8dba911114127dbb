import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { plainFrame } from '../plain-frame.fixture.js';
import { renderFrame } from '../render-frame.js';
import { readIccProfile, type ColorOptions } from './icc-profile.js';
import { makeProfile, matrixSpaces } from './make-profile.js';

const rgb = plainFrame({ rows: 1, columns: 3, samplesPerPixel: 3, photometricInterpretation: 'RGB' });
const green = Uint8Array.of(0, 255, 0, 128, 128, 128, 200, 100, 50);
const adobe = makeProfile(matrixSpaces.adobergb);

async function shown(color: ColorOptions, description = rgb, bytes = green) {
  const png = await renderFrame(bytes, description, { format: 'png', color });
  const { icc } = await sharp(png).metadata();
  // As they are in the file, whatever its profile makes of them.
  const values = [...(await sharp(png, { ignoreIcc: true }).raw().toBuffer())];
  return { icc: icc as Buffer | undefined, values };
}

describe('colours', () => {
  it('stay as they are with a profile of their own, which is given with them', async () => {
    const { icc, values } = await shown({ space: 'yes', source: adobe });
    expect(values).toEqual([...green]);
    expect(icc?.equals(adobe)).toBe(true);
    const assumed = await shown({ space: 'yes' });
    expect(assumed.values).toEqual([...green]);
    expect(assumed.icc?.length).toBeGreaterThan(100);
  });

  it('become others in another space, and look the same', async () => {
    const { icc, values } = await shown({ space: 'srgb', source: adobe });
    expect(icc).toBeDefined();
    // The green of opRGB is beyond that of sRGB; greys are greys in both, but for rounding.
    expect(values[1]).toBe(255);
    expect(Math.abs(values[3]! - 127)).toBeLessThanOrEqual(2);
    expect(values[6]).toBeGreaterThan(210);
  });

  it('beyond sRGB are kept as far as Display P3 has them', async () => {
    const p3 = await shown({ space: 'displayp3', source: adobe });
    // By way of sRGB its red would be 117.
    expect(p3.values[0]).toBeLessThan(3);
    expect(p3.values[1]).toBeGreaterThan(245);
    const same = await shown({ space: 'adobergb', source: adobe });
    // 144, 255, 60 by way of sRGB.
    expect(same.values[0]).toBeLessThan(110);
    expect(same.values[1]).toBe(255);
    expect(same.values[2]).toBeLessThan(5);
    same.values.slice(3).forEach((value, i) => expect(Math.abs(value - green[3 + i]!)).toBeLessThanOrEqual(2));
  });

  it.each(['adobergb', 'rommrgb', 'displayp3'] as const)('of sRGB come back from %s', async (space) => {
    const { icc, values } = await shown({ space });
    expect(icc).toBeDefined();
    expect(values.slice(6)).not.toEqual([200, 100, 50]);
    const back = await shown({ space: 'srgb', source: icc! }, rgb, Uint8Array.from(values));
    // Bytes are few for so large a space: what is lost is what rounding loses.
    back.values.slice(3).forEach((value, i) => expect(Math.abs(value - green[3 + i]!)).toBeLessThanOrEqual(4));
  });

  it('of grey images are grey in every space', async () => {
    const grey = plainFrame({
      rows: 1,
      columns: 3,
      windows: [{ center: 127.5, width: 255, function: 'LINEAR_EXACT' }],
    });
    const { icc, values } = await shown({ space: 'srgb' }, grey, Uint8Array.of(0, 100, 255));
    expect(icc).toBeDefined();
    expect(values.filter((_, i) => i % (values.length / 3) === 0)).toEqual([0, 100, 255]);
  });

  it('have the profile of the instance, or of a slide its first optical path', () => {
    const inline = { vr: 'OB', InlineBinary: adobe.toString('base64') };
    expect(readIccProfile({ '00282000': inline })).toEqual(adobe);
    expect(readIccProfile({ '00480105': { vr: 'SQ', Value: [{ '00282000': inline }] } })).toEqual(adobe);
    expect(readIccProfile({})).toBeUndefined();
    // What is none is no reason to show nothing.
    const broken = { vr: 'OB', InlineBinary: Buffer.alloc(200).toString('base64') };
    expect(readIccProfile({ '00282000': broken })).toBeUndefined();
  });
});
