import { describe, expect, it } from '@jest/globals';
import { makeFacts } from '../../../../test/support/router/make-facts.js';
import { type CompletenessFacts, judgeCompleteness } from './completeness.js';
import { completenessFacts } from './completeness-facts.js';

const quiet = 5;

function facts(changes: Partial<CompletenessFacts> = {}): CompletenessFacts {
  return {
    hasExplicitNotice: false,
    secondsSinceLastReceived: 0,
    numberOfSeries: 1,
    numberOfInstances: 10,
    series: [{ label: 'series 1', received: 10 }],
    ...changes,
  };
}

const kinds = (changes: Partial<CompletenessFacts>) =>
  judgeCompleteness(facts(changes), quiet).evidence.map(({ kind, isMet }) => `${kind} ${isMet}`);

describe('judgeCompleteness', () => {
  it('waits for the quiet period and says how long is left', () => {
    expect(judgeCompleteness(facts({ secondsSinceLastReceived: 0 }), quiet)).toMatchObject({
      isComplete: false,
      checkAgainAfterSeconds: 5,
    });
    expect(judgeCompleteness(facts({ secondsSinceLastReceived: 4.2 }), quiet)).toMatchObject({
      isComplete: false,
      checkAgainAfterSeconds: 1,
    });
  });

  it.each([
    [4.999, false],
    [5, true],
    [5.001, true],
  ])('after %d s of silence: complete is %s', (secondsSinceLastReceived, isComplete) => {
    expect(judgeCompleteness(facts({ secondsSinceLastReceived }), quiet).isComplete).toBe(isComplete);
  });

  it('never asks to look again in less than a second, so that a short quiet period is no busy loop', () => {
    expect(judgeCompleteness(facts(), 0.05).checkAgainAfterSeconds).toBe(1);
  });

  it('takes an explicit notice for proof, whatever the counts say', () => {
    const judged = judgeCompleteness(facts({ hasExplicitNotice: true, expectedInstances: 500 }), quiet);
    expect(judged).toMatchObject({ isComplete: true, checkAgainAfterSeconds: 0 });
    expect(judged.evidence).toEqual([
      { kind: 'explicit-notice', isMet: true, text: 'The sender said that the study is complete.' },
    ]);
  });

  it('is complete at once when the study names its number of instances and they are here', () => {
    expect(kinds({ expectedInstances: 10 })).toEqual(['study-counts true']);
    expect(judgeCompleteness(facts({ expectedInstances: 10 }), quiet).isComplete).toBe(true);
    // More than announced is no less complete.
    expect(judgeCompleteness(facts({ expectedInstances: 9 }), quiet).isComplete).toBe(true);
  });

  it('is not complete by a met number of series alone: each may be half here', () => {
    expect(kinds({ expectedSeries: 1 })).toEqual(['quiet-period false']);
    expect(judgeCompleteness(facts({ expectedSeries: 1 }), quiet).isComplete).toBe(false);
  });

  it('waits longer than the quiet period while series are missing, then goes on', () => {
    expect(kinds({ expectedSeries: 3, secondsSinceLastReceived: 6 })).toEqual([
      'study-counts false',
      'quiet-period true',
    ]);
    expect(judgeCompleteness(facts({ expectedSeries: 3, secondsSinceLastReceived: 6 }), quiet).isComplete).toBe(false);
    expect(judgeCompleteness(facts({ expectedSeries: 3, secondsSinceLastReceived: 20 }), quiet).isComplete).toBe(true);
  });

  it('needs both counts where both are given', () => {
    expect(
      judgeCompleteness(facts({ expectedSeries: 2, expectedInstances: 10, secondsSinceLastReceived: 6 }), quiet)
        .isComplete,
    ).toBe(false);
  });

  it('waits for a series known to be short, looking again each quiet period', () => {
    const series = [
      { label: 'series 1', received: 10, expected: 10 },
      { label: 'series 2', received: 3, expected: 80 },
    ];
    const judged = judgeCompleteness(facts({ series, secondsSinceLastReceived: 6 }), quiet);
    expect(judged.isComplete).toBe(false);
    expect(judged.checkAgainAfterSeconds).toBe(5);
    expect(judged.evidence.map(({ text }) => text).join()).toContain('series 2: 3 of 80');
    expect(judgeCompleteness(facts({ series, secondsSinceLastReceived: 19.5 }), quiet).checkAgainAfterSeconds).toBe(1);
  });

  it('goes on with what is there when the rest does not come', () => {
    const series = [{ label: 'series 1', received: 3, expected: 80 }];
    expect(kinds({ series, secondsSinceLastReceived: 20 })).toEqual([
      'series-counts false',
      'quiet-period true',
      'waited-long-enough true',
    ]);
    expect(judgeCompleteness(facts({ series, secondsSinceLastReceived: 20 }), quiet).isComplete).toBe(true);
  });

  it('is not complete only because its series are full: another may follow', () => {
    const series = [{ label: 'series 1', received: 80, expected: 80 }];
    expect(kinds({ series, secondsSinceLastReceived: 1 })).toEqual(['series-counts true', 'quiet-period false']);
    expect(judgeCompleteness(facts({ series, secondsSinceLastReceived: 1 }), quiet).isComplete).toBe(false);
  });

  it.each([0, -1, 1.5, Number.NaN])('does not believe a count of %d', (expected) => {
    const series = [{ label: 'series 1', received: 3, expected }];
    expect(kinds({ series, expectedInstances: expected, secondsSinceLastReceived: 6 })).toEqual(['quiet-period true']);
  });

  it('names at most five short series', () => {
    const series = Array.from({ length: 8 }, (_, index) => ({
      label: `series ${index + 1}`,
      received: 1,
      expected: 2,
    }));
    const text = judgeCompleteness(facts({ series }), quiet).evidence.find(
      ({ kind }) => kind === 'series-counts',
    )?.text;
    expect(text).toContain('series 5: 1 of 2, and 3 more');
    expect(text).not.toContain('series 6');
  });

  it('judges a study without any source series by silence', () => {
    const none = { numberOfSeries: 0, numberOfInstances: 0, series: [] };
    expect(judgeCompleteness(facts({ ...none, secondsSinceLastReceived: 6 }), quiet).isComplete).toBe(true);
  });
});

describe('completenessFacts', () => {
  it('reads expected counts from the data and counts source series only', () => {
    const study = makeFacts([
      { instances: 4, sample: { ImagesInAcquisition: '12', NumberOfStudyRelatedInstances: '40' } },
      { instances: 2, sample: { ImagesInAcquisition: '12', NumberOfSeriesRelatedInstances: '6' } },
      { modality: 'SR', sopClasses: ['1.2.840.10008.5.1.4.1.1.88.33'], instances: 1 },
    ]);
    expect(completenessFacts(study, false)).toEqual({
      hasExplicitNotice: false,
      secondsSinceLastReceived: 0,
      numberOfSeries: 2,
      numberOfInstances: 6,
      expectedSeries: undefined,
      expectedInstances: 40,
      series: [
        { label: 'series 1', received: 4, expected: 12 },
        { label: 'series 2', received: 2, expected: 6 },
      ],
    });
  });

  it('counts frames where one instance holds a whole acquisition', () => {
    const [series] = completenessFacts(
      makeFacts([{ instances: 1, frames: 60, sample: { ImagesInAcquisition: '60' } }]),
      false,
    ).series;
    expect(series).toMatchObject({ received: 60, expected: 60 });
  });
});
