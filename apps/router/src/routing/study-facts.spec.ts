import { describe, expect, it } from '@jest/globals';
import { sopClass } from '../../../../test/support/router/make-facts.js';
import { isSource } from './study-facts.js';

describe('isSource', () => {
  it.each([
    ['CT', [sopClass.ct]],
    ['ECG', [sopClass.ecg12]],
    ['SM', [sopClass.wholeSlide]],
    ['OT', [sopClass.secondaryCapture]],
    ['', []],
    // A parametric map holds measured values one can look at.
    ['MR', ['1.2.840.10008.5.1.4.1.1.30']],
  ])('takes %s of %j for images', (modality, sopClasses) => {
    expect(isSource(modality, sopClasses)).toBe(true);
  });

  it.each([
    ['SR', [sopClass.comprehensiveSr]],
    [' sr ', []],
    ['SEG', [sopClass.segmentation]],
    ['KO', [sopClass.keyObjects]],
    ['PR', [sopClass.presentationState]],
    ['DOC', [sopClass.pdf]],
    // What is said by the class counts when Modality claims to be the images'.
    ['CT', [sopClass.comprehensive3dSr]],
    ['CT', [sopClass.segmentation]],
    ['SEG', ['1.2.840.10008.5.1.4.1.1.66.7']],
  ])('takes %s of %j for a statement about images', (modality, sopClasses) => {
    expect(isSource(modality, sopClasses)).toBe(false);
  });

  it('takes a series that mixes a report with images for images', () => {
    expect(isSource('CT', [sopClass.comprehensiveSr, sopClass.ct])).toBe(true);
  });

  it('takes a class that only begins with the digits of a derived one for what it is', () => {
    expect(isSource('OT', ['1.2.840.10008.5.1.4.1.1.66.41'])).toBe(true);
  });
});
