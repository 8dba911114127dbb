import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import { plainFrame } from '../plain-frame.fixture.js';
import { renderFrame } from '../render-frame.js';
import type { RenderOptions } from '../render-options.js';
import { areParallel, type Plane, placementOf, readPlane, sharesOf, type Vector } from './plane.js';
import { applyBlending, blendedSets } from './read-blending.js';

const number = (vr: string, ...Value: number[]) => ({ vr, Value });
const text = (vr: string, ...Value: string[]) => ({ vr, Value });
const items = (...Value: DicomJson[]) => ({ vr: 'SQ', Value });
const inline = (...values: number[]) => ({ vr: 'OW', InlineBinary: Buffer.from(values).toString('base64') });

/** An axial plane with pixels of that size whose first is at that place. */
const axial = (origin: Vector, size = 1): Plane => ({
  frameOfReferenceUid: '1.2',
  origin,
  alongRow: [size, 0, 0],
  alongColumn: [0, size, 0],
});

describe('planes in the patient', () => {
  const dataset: DicomJson = {
    '00200052': text('UI', '1.2.3'),
    '00200032': number('DS', 10, 20, 30),
    '00200037': number('DS', 0, 1, 0, 0, 0, -1),
    '00280030': number('DS', 0.5, 2),
  };

  it('are read from images, the spacing between rows first', () => {
    expect(readPlane(dataset, 0)).toEqual({
      frameOfReferenceUid: '1.2.3',
      origin: [10, 20, 30],
      alongRow: [0, 2, 0],
      alongColumn: [0, 0, -0.5],
    });
  });

  it('are read from frames of enhanced objects: their own values before those they share', () => {
    const group = (z: number) => ({ '00209113': items({ '00200032': number('DS', 0, 0, z) }) });
    const enhanced: DicomJson = {
      '00200052': text('UI', '1.2.3'),
      '52009229': items({
        '00209116': items({ '00200037': number('DS', 1, 0, 0, 0, 1, 0) }),
        '00289110': items({ '00280030': number('DS', 1, 1) }),
      }),
      '52009230': items(group(5), group(7)),
    };
    expect(readPlane(enhanced, 1)?.origin).toEqual([0, 0, 7]);
  });

  it.each([
    ['no frame of reference', '00200052', text('UI')],
    ['no position', '00200032', number('DS')],
    ['directions that are not at right angles', '00200037', number('DS', 1, 0, 0, 1, 0, 0)],
    ['a direction without length', '00200037', number('DS', 0, 0, 0, 0, 1, 0)],
    ['no spacing', '00280030', number('DS', 0, 1)],
  ])('are not made up of %s', (_, tag, value) => {
    expect(readPlane({ ...dataset, [tag]: value }, 0)).toBeUndefined();
  });

  it('are parallel or not', () => {
    expect(areParallel(axial([0, 0, 0]), axial([9, 9, 9], 3))).toBe(true);
    expect(areParallel(axial([0, 0, 0]), { ...axial([0, 0, 0]), alongColumn: [0, 1, 0.1] })).toBe(false);
  });

  it('say where the pixels of one lie in another, whatever their sizes and directions', () => {
    const turned: Plane = { ...axial([10, 0, 0], 2), alongRow: [0, 2, 0], alongColumn: [-2, 0, 0] };
    const { u, v } = placementOf(axial([0, 0, 0]), turned);
    const at = ([a, b, c]: Vector, x: number, y: number) => x * a + y * b + c;
    // Column 4, row 6 is at (4, 6): six millimetres along the other's rows, six against its columns' start at ten.
    expect([at(u, 4, 6), at(v, 4, 6)]).toEqual([3, 3]);
  });

  it('share what lies between them by distance, and reach half a gap over the ends of a stack', () => {
    const stack = [axial([0, 0, 8]), axial([0, 0, 0]), axial([0, 0, 4])];
    expect(sharesOf(axial([5, 5, 4]), stack)).toEqual([{ index: 2, share: 1 }]);
    expect(sharesOf(axial([5, 5, 1]), stack)).toEqual([
      { index: 1, share: 0.75 },
      { index: 2, share: 0.25 },
    ]);
    expect(sharesOf(axial([5, 5, 10]), stack)).toEqual([{ index: 0, share: 1 }]);
    expect(sharesOf(axial([5, 5, 10.1]), stack)).toEqual([]);
    expect(sharesOf(axial([5, 5, -2.1]), stack)).toEqual([]);
    expect(sharesOf(axial([0, 0, 1]), [axial([0, 0, 0])])).toEqual([]);
    expect(sharesOf(axial([0, 0, 0]), [])).toEqual([]);
  });
});

const description = plainFrame({
  rows: 2,
  columns: 4,
  windows: [{ center: 127.5, width: 255, function: 'LINEAR_EXACT' }],
});
/** Red rises with brightness, green falls, blue is none. */
const palette = (...red: number[]): DicomJson => ({
  '00281101': number('US', red.length, 0, 8),
  '00281102': number('US', red.length, 0, 8),
  '00281103': number('US', red.length, 0, 8),
  '00281201': inline(...red),
  '00281202': inline(...red.toReversed()),
  '00281203': inline(...red.map(() => 0)),
});
const set = (position: string, uid: string, more: DicomJson = {}): DicomJson => ({
  '00700405': text('CS', position),
  '0020000D': text('UI', `1.${uid}`),
  '00081115': items({
    '0020000E': text('UI', `2.${uid}`),
    '00081140': items({ '00081155': text('UI', `3.${uid}`), '00081160': number('IS', 2) }),
  }),
  ...more,
});
const state: DicomJson = {
  '00080016': text('UI', '1.2.840.10008.5.1.4.1.1.11.4'),
  '00700402': items(
    set('SUPERIMPOSED', '8', {
      '00281052': number('DS', 0),
      '00281053': number('DS', 2),
      '00283110': items({
        '00281050': number('DS', 255),
        '00281051': number('DS', 510),
        '00281056': text('CS', 'LINEAR_EXACT'),
      }),
    }),
    set('UNDERLYING', '9'),
  ),
  '00700403': { vr: 'FL', Value: [0.5] },
  ...palette(0, 255),
};

async function drawn(options: Partial<RenderOptions>, bytes: Uint8Array): Promise<number[][]> {
  const png = await renderFrame(bytes, description, { format: 'png', ...options });
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return Array.from({ length: info.width * info.height }, (_, i) => [...data.subarray(3 * i, 3 * i + 3)]);
}

describe('blending presentation states', () => {
  it('name two sets of images, in whatever order, each with its study', () => {
    const references = (uid: string) => [
      { seriesInstanceUid: `2.${uid}`, sopInstanceUid: `3.${uid}`, frameNumbers: [2] },
    ];
    expect(blendedSets(state)).toEqual({
      underlying: { studyInstanceUid: '1.9', references: references('9') },
      superimposed: { studyInstanceUid: '1.8', references: references('8') },
    });
    expect(() => blendedSets({ '00700402': items(set('UNDERLYING', '9')) })).toThrow(/Position is SUPERIMPOSED/);
  });

  it('lay one image over another in colours, as far as it reaches, its padding left out', async () => {
    const image = (sopInstanceUid: string, more = {}) => ({
      sopInstanceUid,
      frameIndex: 1,
      description: { ...description, ...more },
      overlays: [],
    });
    const over = image('3.8', { rows: 1, columns: 2, padding: { first: 7, last: 7 } });
    const applied = applyBlending(state, image('3.9'), [over]);
    expect(applied).toMatchObject({ opacity: 0.5, presentation: { shutters: [] } });
    // What the state does not say of the values below is not done: all of them are shown.
    expect(applied.description.windows[0]).toMatchObject({ center: 127.5, width: 255 });
    const blend = (bytes: number[], share = 1) => ({
      bytes: Uint8Array.from(bytes),
      description: applied.superimposed[0]!,
      // Its pixels are as large as the others, and begin one further to the right.
      placement: { u: [1, 0, -1] as const, v: [0, 1, 0] as const },
      share,
    });
    const { opacity, palette: colors } = applied;
    const under = Uint8Array.of(0, 100, 100, 100, 10, 10, 10, 10);
    expect(await drawn({ blend: { layers: [blend([255, 7])], opacity, palette: colors } }, under)).toEqual([
      [0, 0, 0],
      [178, 50, 50],
      [100, 100, 100],
      [100, 100, 100],
      ...Array.from({ length: 4 }, () => [10, 10, 10]),
    ]);
    // Two that are on either side make what is between them; where only one has values, it alone.
    const layers = [blend([255, 7], 0.75), blend([0, 255], 0.25)];
    const [, second, third] = await drawn({ blend: { layers, opacity: 1, palette: palette3(colors) } }, under);
    expect(second).toEqual([191, 64, 0]);
    expect(third).toEqual([255, 0, 0]);
  });

  it('interpolate between pixels of what is laid over', async () => {
    const over = { ...description, rows: 1, columns: 2 };
    const layer = {
      bytes: Uint8Array.of(0, 200),
      description: over,
      placement: { u: [0.5, 0, -0.25] as const, v: [0, 0.5, -0.25] as const },
      share: 1,
    };
    const ramp = { firstInput: 0, bits: 8, values: Uint16Array.from({ length: 256 }, (_, i) => i) };
    const palette256 = { red: ramp, green: ramp, blue: ramp };
    const picture = await drawn({ blend: { layers: [layer], opacity: 1, palette: palette256 } }, new Uint8Array(8));
    expect(picture.map(([red]) => red)).toEqual([0, 50, 150, 200, 0, 50, 150, 200]);
  });

  it('are of grey images alone', async () => {
    const color = { ...description, samplesPerPixel: 3, photometricInterpretation: 'RGB' };
    const blend = { layers: [], opacity: 1, palette: applyBlending(state, pictured, []).palette };
    await expect(renderFrame(new Uint8Array(24), color, { format: 'png', blend })).rejects.toThrow(/grey/);
    const layer = {
      bytes: new Uint8Array(24),
      description: color,
      placement: { u: [1, 0, 0] as const, v: [0, 1, 0] as const },
      share: 1,
    };
    const over = { ...blend, layers: [layer] };
    await expect(renderFrame(new Uint8Array(8), description, { format: 'png', blend: over })).rejects.toThrow(/grey/);
  });
});

const pictured = { sopInstanceUid: '3.9', frameIndex: 1, description, overlays: [] };

/** A palette of two colours with all that is between them. */
function palette3(two: ReturnType<typeof applyBlending>['palette']) {
  const between = (first: number, last: number) => ({
    firstInput: 0,
    bits: 8,
    values: Uint16Array.from({ length: 256 }, (_, i) => Math.round(first + ((last - first) * i) / 255)),
  });
  const { red, green, blue } = two;
  const full = ({ values }: typeof red) => between(values[0]!, values[1]!);
  return { red: full(red), green: full(green), blue: full(blue) };
}
