import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '../../dicom/dicom-json.js';
import { buildStacks, type StackFrame } from './build-stacks.js';
import { edgeLetters } from './orientation-letters.js';
import { prefetchOrder } from './prefetch-order.js';
import { renderedFrameUrl } from './rendered-frame-url.js';
import { placeFrame, restingPose, zoomAt, zoomMax } from './stack-geometry.js';
import { dragWindow, fullWindow, storedWindow, windowPresets } from './window.js';

const value = (vr: string, ...values: unknown[]) => ({ vr, Value: values });

function frame(columns: number, rows: number, more: DicomJson = {}): StackFrame {
  const image = {
    '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.2'),
    '00080018': value('UI', '3'),
    '00280010': value('US', rows),
    '00280011': value('US', columns),
    ...more,
  };
  return buildStacks([image])[0]!.frames[0]!;
}

describe('renderedFrameUrl', () => {
  const series = { studyInstanceUid: '1', seriesInstanceUid: '2' };
  const base = '/dicom-web/studies/1/series/2/instances/3/frames/1/rendered';
  const colour = { '00280004': value('CS', 'YBR_FULL_422') };

  it.each([
    ['as it is', frame(512, 512), undefined, 900, base],
    ['with a window', frame(512, 512), { center: -600, width: 1500 }, 900, `${base}?window=-600,1500,linear`],
    ['without a window where it is in colour', frame(512, 512, colour), { center: 1, width: 2 }, 900, base],
    ['as large as it is shown', frame(3000, 2500), undefined, 900, `${base}?viewport=1024,1024`],
    ['as it is, when it is shown larger', frame(3000, 2500), undefined, 3100, base],
  ])('asks for a picture %s', (_name, each, window, side, expected) => {
    expect(renderedFrameUrl(series, each, window, { width: side, height: side })).toBe(expected);
  });
});

describe('windows', () => {
  it('offers fixed ones for CT only', () => {
    expect(windowPresets('CT').map((preset) => preset.name)).toEqual([
      'Default',
      'Lung',
      'Mediastinum',
      'Bone',
      'Brain',
    ]);
    expect(windowPresets('MR').map((preset) => preset.name)).toEqual(['Default']);
  });

  it('reads the one of the image, and of a frame before it', () => {
    const image: DicomJson = { '00281050': value('DS', 40, 50), '00281051': value('DS', 400, 500) };
    expect(storedWindow(image, 0)).toEqual({ center: 40, width: 400 });
    const own = { '00289132': value('SQ', { '00281050': value('DS', 1), '00281051': value('DS', 2) }) };
    expect(storedWindow({ ...image, '52009230': value('SQ', own) }, 0)).toEqual({ center: 1, width: 2 });
    expect(storedWindow({ '00281050': value('DS', 40), '00281051': value('DS', 0) }, 0)).toBeUndefined();
  });

  it('spans what the bits can say where the image has none', () => {
    const rescaled = { '00281053': value('DS', 1), '00281052': value('DS', -1024) };
    expect(fullWindow({ '00280101': value('US', 12), ...rescaled }, 0)).toEqual({ center: 1024, width: 4096 });
    expect(fullWindow({ '00280101': value('US', 16), '00280103': value('US', 1) }, 0)).toEqual({
      center: 0,
      width: 65536,
    });
  });

  it('widens to the right, darkens downwards, and never becomes empty', () => {
    expect(dragWindow({ center: 40, width: 300 }, 10, 5)).toEqual({ center: 45, width: 310 });
    expect(dragWindow({ center: 40, width: 300 }, -5000, 0).width).toBe(1);
    expect(dragWindow({ center: 0.5, width: 1 }, -5000, 0).width).toBe(0.01);
  });
});

describe('placeFrame', () => {
  it('fits a picture into the canvas with its pixels in proportion', () => {
    const tall = frame(100, 100, { '00280034': value('IS', 2, 1) });
    expect(placeFrame(tall, { width: 400, height: 400 }, restingPose)).toEqual({
      left: 100,
      top: 0,
      width: 200,
      height: 400,
    });
  });

  it('zooms around a point', () => {
    const square = frame(100, 100);
    const canvas = { width: 400, height: 400 };
    const pose = zoomAt(restingPose, 2, 50, -30);
    const at = (pose_: typeof pose) => {
      const place = placeFrame(square, canvas, pose_);
      return [(250 - place.left) / place.width, (170 - place.top) / place.height];
    };
    expect(at(pose)).toEqual(at(restingPose));
    expect(zoomAt(pose, 1e9, 0, 0).zoom).toBe(zoomMax);
  });
});

describe('prefetchOrder', () => {
  it('loads what is shown first, then ahead and behind in turn', () => {
    expect(prefetchOrder(5, 100, 1, 3, 1)).toEqual([5, 6, 4, 7, 8]);
    expect(prefetchOrder(5, 100, -1, 2, 2)).toEqual([5, 4, 6, 3, 7]);
  });

  it('stays within the stack', () => {
    expect(prefetchOrder(0, 2, -1, 3, 3)).toEqual([0, 1]);
    expect(prefetchOrder(0, 1, 1, 10, 4)).toEqual([0]);
  });
});

describe('edgeLetters', () => {
  it.each([
    ['axial', [1, 0, 0, 0, 1, 0], { left: 'R', right: 'L', top: 'A', bottom: 'P' }],
    ['sagittal', [0, 1, 0, 0, 0, -1], { left: 'A', right: 'P', top: 'H', bottom: 'F' }],
    ['coronal', [1, 0, 0, 0, 0, -1], { left: 'R', right: 'L', top: 'H', bottom: 'F' }],
    ['oblique', [0.8, 0.6, 0, 0, 0, -1], { left: 'RA', right: 'LP', top: 'H', bottom: 'F' }],
  ])('%s', (_name, orientation, expected) => expect(edgeLetters(orientation)).toEqual(expected));
});
