/** One observation on whether all of a study has arrived, kept with the decision. */
export interface Evidence {
  kind: 'explicit-notice' | 'study-counts' | 'series-counts' | 'quiet-period' | 'waited-long-enough';
  /** Whether it speaks for the study being complete. */
  isMet: boolean;
  /** A sentence for people. */
  text: string;
}

export interface Completeness {
  isComplete: boolean;
  evidence: Evidence[];
  /** When to look again if nothing else happens; 0 when complete. */
  checkAgainAfterSeconds: number;
}

export interface CompletenessFacts {
  /** Somebody who knows said that the study is complete as it is now. */
  hasExplicitNotice: boolean;
  /** Since the last instance was stored, by the database's clock. */
  secondsSinceLastReceived: number;
  numberOfSeries: number;
  numberOfInstances: number;
  /** Number of Study Related Series and Instances (0020,1206), (0020,1208), where the sender put them in. */
  expectedSeries?: number | undefined;
  expectedInstances?: number | undefined;
  series: {
    /** For the text: a series number, never a description. */
    label: string;
    received: number;
    /** Number of Series Related Instances (0020,1209) or Images in Acquisition (0020,1002): at least so many. */
    expected?: number | undefined;
  }[];
}

/** A series known to be short is waited for so many quiet periods, then the study goes on with what is there. */
const quietPeriodsWhenShort = 4;

/**
 * Has all of the study arrived? DICOM has no end-of-study message, so it is a judgement on evidence: somebody's notice,
 * else the study's own counts, else silence; and silence counts for less while a series is known to be short.
 * Full series alone prove nothing, for another series may follow. A wrong "complete" costs a second run, since late
 * instances are routed again; a wrong "incomplete" costs time. Neither loses anything.
 */
export function judgeCompleteness(facts: CompletenessFacts, quietPeriodSeconds: number): Completeness {
  const evidence: Evidence[] = [];
  const complete = (): Completeness => ({ isComplete: true, evidence, checkAgainAfterSeconds: 0 });

  if (facts.hasExplicitNotice) {
    evidence.push({ kind: 'explicit-notice', isMet: true, text: 'The sender said that the study is complete.' });
    return complete();
  }

  const studyCounts = judgeStudyCounts(facts);
  if (studyCounts !== undefined) evidence.push(studyCounts);
  if (studyCounts?.isMet === true) return complete();

  const seriesCounts = judgeSeriesCounts(facts);
  if (seriesCounts !== undefined) evidence.push(seriesCounts);

  const quiet = facts.secondsSinceLastReceived;
  const isQuiet = quiet >= quietPeriodSeconds;
  evidence.push({
    kind: 'quiet-period',
    isMet: isQuiet,
    text: `Nothing has arrived for ${seconds(quiet)}; the quiet period is ${seconds(quietPeriodSeconds)}.`,
  });
  const isShort = studyCounts?.isMet === false || seriesCounts?.isMet === false;
  if (isQuiet && !isShort) return complete();

  const patienceSeconds = quietPeriodSeconds * quietPeriodsWhenShort;
  if (isShort && quiet >= patienceSeconds) {
    evidence.push({
      kind: 'waited-long-enough',
      isMet: true,
      text: `The rest has not come in ${seconds(patienceSeconds)}; the study goes on with what is there.`,
    });
    return complete();
  }
  // Never longer than a quiet period: the look that waits is the only one, and what arrives meanwhile may settle it.
  const remaining = (isShort ? patienceSeconds : quietPeriodSeconds) - quiet;
  const checkAgainAfterSeconds = Math.max(1, Math.ceil(Math.min(remaining, quietPeriodSeconds)));
  return { isComplete: false, evidence, checkAgainAfterSeconds };
}

function judgeStudyCounts(facts: CompletenessFacts): Evidence | undefined {
  const { expectedSeries, expectedInstances, numberOfSeries, numberOfInstances } = facts;
  const counts: { what: string; received: number; expected: number }[] = [];
  if (isCount(expectedSeries)) counts.push({ what: 'series', received: numberOfSeries, expected: expectedSeries });
  if (isCount(expectedInstances)) {
    counts.push({ what: 'instances', received: numberOfInstances, expected: expectedInstances });
  }
  // Series may all have begun and be far from full: a count of series proves incompleteness only.
  if (counts.length === 0 || (!isCount(expectedInstances) && numberOfSeries >= counts[0]!.expected)) return undefined;
  const isMet = counts.every(({ received, expected }) => received >= expected);
  const text = counts.map(({ what, received, expected }) => `${received} of ${expected} ${what}`).join(', ');
  return { kind: 'study-counts', isMet, text: `The data name the study's size: ${text} are here.` };
}

function judgeSeriesCounts(facts: CompletenessFacts): Evidence | undefined {
  const counted = facts.series.filter(({ expected }) => isCount(expected));
  if (counted.length === 0) return undefined;
  const short = counted.filter(({ received, expected }) => received < expected!);
  if (short.length === 0) {
    return { kind: 'series-counts', isMet: true, text: 'Every series that names its size has reached it.' };
  }
  const named = short.slice(0, 5).map(({ label, received, expected }) => `${label}: ${received} of ${expected}`);
  const more = short.length > named.length ? `, and ${short.length - named.length} more` : '';
  return { kind: 'series-counts', isMet: false, text: `Some series are short (${named.join('; ')}${more}).` };
}

/** Zero and nonsense stand in many headers where nobody counted. */
function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

function seconds(value: number): string {
  return `${Math.round(value * 10) / 10} s`;
}
