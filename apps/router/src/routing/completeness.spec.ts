import { describe, expect, it } from '@jest/globals';
import { makeFacts } from '../../../../test/support/router/make-facts.js';
import { type CompletenessFacts, judgeCompleteness, type Notice } from './completeness.js';
import { completenessFacts } from './completeness-facts.js';

const quiet = { seconds: 5 };

function facts(changes: Partial<CompletenessFacts> = {}): CompletenessFacts {
  return {
    notices: [],
    secondsSinceLastReceived: 0,
    numberOfSeries: 1,
    numberOfInstances: 10,
    series: [{ label: 'series 1', received: 10 }],
    ...changes,
  };
}

const notice = (changes: Partial<Notice> = {}): Notice => ({
  kind: 'sender',
  secondsAgo: 0,
  expectedSeries: undefined,
  expectedInstances: undefined,
  missingInstances: undefined,
  namedInstances: undefined,
  ...changes,
});

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
    expect(judgeCompleteness(facts(), { seconds: 0.05 }).checkAgainAfterSeconds).toBe(1);
  });

  it('takes an explicit notice for proof, whatever the counts say', () => {
    const judged = judgeCompleteness(facts({ notices: [notice()], expectedInstances: 500 }), quiet);
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

  it('no longer believes a notice when more has come since, but does where counts were named', () => {
    const after = { secondsSinceLastReceived: 2 };
    expect(kinds({ ...after, notices: [notice({ secondsAgo: 1 })] })).toEqual(['explicit-notice true']);
    expect(kinds({ ...after, notices: [notice({ secondsAgo: 3 })] })).toEqual(['quiet-period false']);
    expect(kinds({ ...after, notices: [notice({ secondsAgo: 60, expectedInstances: 10 })] })).toEqual([
      'explicit-notice true',
    ]);
  });

  it('waits for what the sender announced, and says what is missing', () => {
    const announced = facts({ notices: [notice({ expectedInstances: 12, expectedSeries: 1 })] });
    const judged = judgeCompleteness({ ...announced, secondsSinceLastReceived: 6 }, quiet);
    expect(judged.isComplete).toBe(false);
    expect(judged.evidence[0]?.text).toBe(
      'The sender said how much there is: 1 of 1 series, 10 of 12 instances are here.',
    );
    expect(judgeCompleteness({ ...announced, secondsSinceLastReceived: 20 }, quiet).isComplete).toBe(true);
  });

  it('takes the end of the procedure step that made the study for proof, once all it made is here', () => {
    const ended = (missingInstances: number) =>
      notice({ kind: 'procedure-step', namedInstances: 10, missingInstances });
    expect(kinds({ notices: [ended(0)] })).toEqual(['procedure-step true']);
    expect(kinds({ notices: [ended(2)] })).toEqual(['procedure-step false', 'quiet-period false']);
  });

  it('needs less silence where every series is known to be whole, by counts or by the tiles of its slides', () => {
    const counted = { label: 'series 1', received: 80, expected: 80 };
    const slide = {
      label: 'series 2',
      received: 4,
      shape: { kind: 'tiles' as const, isWhole: true, text: 'all 4 tiles' },
    };
    const judged = (series: CompletenessFacts['series'], secondsSinceLastReceived: number) =>
      judgeCompleteness(facts({ series, secondsSinceLastReceived }), quiet);
    expect(judged([counted, slide], 1.2)).toMatchObject({ isComplete: false, checkAgainAfterSeconds: 1 });
    expect(judged([counted, slide], 1.3).isComplete).toBe(true);
    expect(judged([counted, slide], 1.3).evidence.at(-1)?.text).toContain('1.3 s is enough');
    expect(judged([counted, { label: 'series 2', received: 4 }], 1.3).isComplete).toBe(false);
  });

  it('waits longer while slices or tiles are missing', () => {
    const shape = {
      kind: 'slices' as const,
      isWhole: false,
      text: '9 slices 5 mm apart, with 1 gap in which 1 are missing',
    };
    const series = [{ label: 'series 1', received: 9, shape }];
    expect(kinds({ series, secondsSinceLastReceived: 6 })).toEqual(['slices false', 'quiet-period true']);
    expect(judgeCompleteness(facts({ series, secondsSinceLastReceived: 6 }), quiet).isComplete).toBe(false);
    expect(judgeCompleteness(facts({ series, secondsSinceLastReceived: 20 }), quiet).isComplete).toBe(true);
  });

  it('waits as long as a rule says, and names it', () => {
    const judged = judgeCompleteness(facts({ secondsSinceLastReceived: 6 }), { seconds: 60, rule: 'Cardiac MR' });
    expect(judged).toMatchObject({ isComplete: false, checkAgainAfterSeconds: 54 });
    expect(judged.evidence[0]?.text).toContain('by the rule "Cardiac MR"');
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
    expect(completenessFacts(study, [], new Map())).toEqual({
      notices: [],
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
      [],
      new Map(),
    ).series;
    expect(series).toMatchObject({ received: 60, expected: 60 });
  });
});
