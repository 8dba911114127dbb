import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '../../dicom/dicom-json.js';
import { buildStacks } from './build-stacks.js';

const value = (vr: string, ...values: unknown[]) => ({ vr, Value: values });
const axial = [1, 0, 0, 0, 1, 0];
const sagittal = [0, 1, 0, 0, 0, -1];

function slice(number: number, z: number | undefined, orientation = axial, more: DicomJson = {}): DicomJson {
  return {
    '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.2'),
    '00080018': value('UI', `instance ${number}`),
    '00200013': value('IS', number),
    '00280010': value('US', 10),
    '00280011': value('US', 20),
    ...(z === undefined ? {} : { '00200032': value('DS', 0, 0, z), '00200037': value('DS', ...orientation) }),
    ...more,
  };
}
const numbers = (instances: DicomJson[]) =>
  buildStacks(instances).map((stack) => stack.frames.map((frame) => frame.instanceNumber));

describe('buildStacks', () => {
  it('orders slices through space, beginning at the end the scanner began at', () => {
    expect(numbers([slice(2, 20), slice(1, 30), slice(3, 10)])).toEqual([[1, 2, 3]]);
    expect(numbers([slice(3, 30), slice(1, 10), slice(2, 20)])).toEqual([[1, 2, 3]]);
    // Numbers that jump do not matter where the slices say where they are.
    expect(numbers([slice(1, 10), slice(7, 20), slice(5, 30), slice(9, 40)])).toEqual([[1, 7, 5, 9]]);
  });

  it('takes the numbers where positions repeat or are missing', () => {
    expect(numbers([slice(3, 10), slice(1, 10), slice(4, 20), slice(2, 20)])).toEqual([[1, 2, 3, 4]]);
    expect(numbers([slice(2, undefined), slice(1, undefined)])).toEqual([[1, 2]]);
  });

  it('makes a stack of each plane of a localiser, but not of every turn of a rotation', () => {
    expect(numbers([slice(1, 10), slice(2, 20), slice(3, 5, sagittal)])).toEqual([[1, 2], [3]]);
    const turned = Array.from({ length: 12 }, (_, index) => {
      const angle = (index * Math.PI) / 12;
      return slice(index + 1, 0, [Math.cos(angle), Math.sin(angle), 0, 0, 0, -1]);
    });
    expect(numbers(turned)).toEqual([Array.from({ length: 12 }, (_, index) => index + 1)]);
  });

  it('plays each multi-frame object by itself, as fast as it says', () => {
    const clip = (number: number, more: DicomJson) =>
      slice(number, undefined, axial, { '00280008': value('IS', 3), ...more });
    const stacks = buildStacks([
      clip(2, { '00181063': value('DS', 40) }),
      clip(1, { '00180040': value('IS', 12) }),
      clip(3, {}),
    ]);
    expect(stacks.map((stack) => [stack.name, stack.frames.length, stack.framesPerSecond])).toEqual([
      ['1', 3, 12],
      ['2', 3, 25],
      ['3', 3, undefined],
    ]);
    expect(stacks[0]!.frames.map((frame) => frame.frameNumber)).toEqual([1, 2, 3]);
    expect(stacks.map((stack) => stack.isVolume)).toEqual([false, false, false]);
  });

  it('reads position and spacing of each frame of an enhanced object', () => {
    const groups = (z: number) => ({ '00209113': value('SQ', { '00200032': value('DS', 0, 0, z) }) });
    const shared = {
      '00209116': value('SQ', { '00200037': value('DS', ...axial) }),
      '00289110': value('SQ', { '00280030': value('DS', 2, 1), '00180050': value('DS', 3) }),
    };
    const [stack] = buildStacks([
      slice(1, undefined, axial, {
        '00280008': value('IS', 2),
        '52009229': value('SQ', shared),
        '52009230': value('SQ', groups(5), groups(8)),
      }),
    ]);
    expect(stack!.frames.map((frame) => frame.location)).toEqual([5, 8]);
    expect(stack!.isVolume).toBe(true);
    expect(stack!.frames[0]).toMatchObject({ pixelAspect: 2, columnSpacing: 1, thickness: 3 });
  });

  it('leaves out what has no pixels, and bounds what claims too many frames', () => {
    expect(buildStacks([{ '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.11.1') }])).toEqual([]);
    const [stack] = buildStacks([slice(1, undefined, axial, { '00280008': value('IS', 2_000_000_000) })]);
    expect(stack!.frames).toHaveLength(100_000);
  });
});
