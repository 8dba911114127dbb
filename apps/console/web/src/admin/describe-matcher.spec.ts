import { describe, expect, it } from '@jest/globals';
import { describeMatcher } from './describe-matcher.js';

describe('describeMatcher', () => {
  it.each([
    [{ keyword: 'Modality', is: 'CT' }, 'Modality is CT'],
    [{ keyword: 'Modality', is: ['CT', 'MR'] }, 'Modality is CT or MR'],
    [{ keyword: 'SliceThickness', atLeast: 1, atMost: 3 }, 'SliceThickness at least 1 and at most 3'],
    [{ keyword: 'BodyPartExamined', exists: false }, 'BodyPartExamined is absent'],
    [{ not: { keyword: 'ImageType', is: 'LOCALIZER' } }, 'not (ImageType is LOCALIZER)'],
    [
      {
        all: [
          { keyword: 'A', is: 1 },
          {
            any: [
              { keyword: 'B', exists: true },
              { keyword: 'C', is: 2 },
            ],
          },
        ],
      },
      'A is 1 and (B is present or C is 2)',
    ],
    [{ colour: 'red' }, '{"colour":"red"}'],
    [undefined, 'nothing'],
  ])('%j', (matcher, expected) => expect(describeMatcher(matcher)).toBe(expected));
});
