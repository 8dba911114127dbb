import { describe, expect, it } from '@jest/globals';
import { element } from '../runtime/fetch-from-files.fixture.js';
import { selectImages } from './select-images.js';

const picture = (uid: string, photometric: string, rows = 100, frames?: number) => ({
  '00080018': element('UI', uid),
  '00280004': element('CS', photometric),
  '00280010': element('US', rows),
  '00280011': element('US', 100),
  ...(frames && { '00280008': element('IS', frames) }),
});
const spec = (changes: object = {}) => ({
  kind: 'image' as const,
  colour: 'grey' as const,
  images: { atLeast: 1, atMost: 1 },
  batch: 1,
  preprocessing: [{ step: 'voi-window' as const }],
  ...changes,
});

describe('selectImages', () => {
  it('takes the largest of the pictures', () => {
    const chosen = selectImages(spec(), '1', [picture('1.1', 'MONOCHROME2'), picture('1.2', 'MONOCHROME1', 200)]);
    expect(chosen).toMatchObject({ input: { frames: [{ sopInstanceUid: '1.2', frameNumber: 1 }] } });
  });

  it.each<[string, object, ReturnType<typeof picture>[], RegExp]>([
    ['a colour picture', {}, [picture('1.1', 'YBR_FULL_422')], /YBR_FULL_422, a grey picture is needed/],
    ['a palette', {}, [picture('1.1', 'PALETTE COLOR')], /PALETTE COLOR, a grey picture/],
    [
      'a grey one for a colour model',
      { colour: 'colour' },
      [picture('1.1', 'MONOCHROME2')],
      /a colour picture is needed/,
    ],
    ['too few views', { images: { atLeast: 4, atMost: 4 } }, [picture('1.1', 'MONOCHROME2')], /1 images, at least 4/],
    ['a clip', {}, [picture('1.1', 'MONOCHROME2', 100, 20)], /20 frames, one picture is needed/],
    ['nothing', {}, [], /no image is in it/],
  ])('finds %s unsuitable and says why', (_, changes, instances, reason) => {
    expect(selectImages(spec(changes), '1', instances)).toEqual({ unsuitable: expect.stringMatching(reason) });
  });
});
