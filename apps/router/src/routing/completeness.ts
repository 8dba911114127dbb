/** One observation on whether all of a study has arrived, kept with the decision. */
export interface Evidence {
  kind:
    | 'explicit-notice'
    | 'procedure-step'
    | 'study-counts'
    | 'series-counts'
    | 'slices'
    | 'tiles'
    | 'quiet-period'
    | 'waited-long-enough';
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

/** What somebody who knows has said of a study. */
export interface Notice {
  kind: 'sender' | 'procedure-step';
  secondsAgo: number;
  /** How much there will be; undefined: all that was there. */
  expectedSeries: number | undefined;
  expectedInstances: number | undefined;
  /** Of the instances a procedure step says it made, those that are not here; undefined: it named none. */
  missingInstances: number | undefined;
  namedInstances: number | undefined;
}

/** What the slices of a series, or the tiles of its slides, say of holes. */
export interface SeriesShape {
  kind: 'slices' | 'tiles';
  /** undefined: nothing can be said. */
  isWhole: boolean | undefined;
  /** E.g. `240 slices 1.25 mm apart, without a gap`. */
  text: string;
}

export interface CompletenessFacts {
  notices: Notice[];
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
    /** Where it was looked at. */
    shape?: SeriesShape | undefined;
  }[];
}

/** How long nothing must have come, and who says so. */
export interface QuietPeriod {
  seconds: number;
  /** The name of a rule; undefined: the configuration. */
  rule?: string | undefined;
}

/** A series known to be short is waited for so many quiet periods, then the study goes on with what is there. */
const quietPeriodsWhenShort = 4;
/** Where every series is known to be whole, only a further series can be missing: this part of a quiet period is enough. */
const settledShare = 1 / 4;

/**
 * Has all of the study arrived? DICOM has no end-of-study message, so it is a judgement on evidence: somebody's notice, or
 * a procedure step that ended; else the study's own counts; else silence. Silence counts for more where every series is
 * known to be whole, by its counts or the tiles of its slides, and for less where one is known to be short or to have
 * gaps between its slices. Slices without gaps prove nothing, for more may follow at either end. A wrong "complete"
 * costs a second run, since late instances are routed again; a wrong "incomplete" costs time. Neither loses anything.
 */
export function judgeCompleteness(facts: CompletenessFacts, quietPeriod: QuietPeriod): Completeness {
  const evidence: Evidence[] = [];
  const complete = (): Completeness => ({ isComplete: true, evidence, checkAgainAfterSeconds: 0 });

  const notices = facts.notices.map((notice) => judgeNotice(notice, facts)).filter((one) => one !== undefined);
  evidence.push(...notices);
  if (notices.some(({ isMet }) => isMet)) return complete();

  const studyCounts = judgeStudyCounts(facts);
  if (studyCounts !== undefined) evidence.push(studyCounts);
  if (studyCounts?.isMet === true) return complete();

  const seriesCounts = judgeSeriesCounts(facts);
  if (seriesCounts !== undefined) evidence.push(seriesCounts);
  evidence.push(...judgeShapes(facts));

  const quiet = facts.secondsSinceLastReceived;
  const isShort = evidence.some(({ isMet }) => !isMet);
  const isSettled = !isShort && allSeriesAreWhole(facts);
  const enoughSeconds = quietPeriod.seconds * (isSettled ? settledShare : 1);
  const isQuiet = quiet >= enoughSeconds;
  const by = quietPeriod.rule === undefined ? '' : `, by the rule "${quietPeriod.rule}"`;
  const why = isSettled ? `; ${seconds(enoughSeconds)} is enough where every series is whole` : '';
  evidence.push({
    kind: 'quiet-period',
    isMet: isQuiet,
    text: `Nothing has arrived for ${seconds(quiet)}; the quiet period is ${seconds(quietPeriod.seconds)}${by}${why}.`,
  });
  if (isQuiet && !isShort) return complete();

  const patienceSeconds = quietPeriod.seconds * quietPeriodsWhenShort;
  if (isShort && quiet >= patienceSeconds) {
    evidence.push({
      kind: 'waited-long-enough',
      isMet: true,
      text: `The rest has not come in ${seconds(patienceSeconds)}; the study goes on with what is there.`,
    });
    return complete();
  }
  // Never longer than a quiet period: the look that waits is the only one, and what arrives meanwhile may settle it.
  const remaining = Math.min((isShort ? patienceSeconds : enoughSeconds) - quiet, quietPeriod.seconds);
  return { isComplete: false, evidence, checkAgainAfterSeconds: Math.max(1, Math.ceil(remaining)) };
}

/** @returns undefined for a notice that was overtaken: more has come since */
function judgeNotice(notice: Notice, facts: CompletenessFacts): Evidence | undefined {
  const { expectedSeries, expectedInstances, missingInstances, namedInstances } = notice;
  const kind = notice.kind === 'sender' ? 'explicit-notice' : 'procedure-step';
  const who = notice.kind === 'sender' ? 'The sender said' : 'The procedure step that made it has ended and said';
  if (missingInstances !== undefined) {
    const here = (namedInstances ?? 0) - missingInstances;
    return {
      kind,
      isMet: missingInstances === 0,
      text: `${who} which instances it made: ${here} of ${namedInstances} are here.`,
    };
  }
  const counts: string[] = [];
  let isMet = true;
  for (const [what, expected, received] of [
    ['series', expectedSeries, facts.numberOfSeries],
    ['instances', expectedInstances, facts.numberOfInstances],
  ] as const) {
    if (expected === undefined) continue;
    counts.push(`${received} of ${expected} ${what}`);
    if (received < expected) isMet = false;
  }
  if (counts.length > 0) return { kind, isMet, text: `${who} how much there is: ${counts.join(', ')} are here.` };
  if (notice.secondsAgo > facts.secondsSinceLastReceived) return undefined;
  return { kind, isMet: true, text: `${who} that the study is complete.` };
}

function judgeShapes(facts: CompletenessFacts): Evidence[] {
  return (['tiles', 'slices'] as const).flatMap((kind): Evidence[] => {
    const judged = facts.series.flatMap(({ label, shape }) =>
      shape?.kind === kind && shape.isWhole !== undefined ? [{ label, ...shape }] : [],
    );
    if (judged.length === 0) return [];
    const broken = judged.filter(({ isWhole }) => !isWhole);
    const told = (broken.length > 0 ? broken : judged).slice(0, 5).map(({ label, text }) => `${label}: ${text}`);
    const lead = { tiles: 'The tiles of slides', slices: 'The slices of volumes' }[kind];
    return [{ kind, isMet: broken.length === 0, text: `${lead} (${told.join('; ')}).` }];
  });
}

/** By a total that is known beforehand: counts that were named, or the tiles a slide must have. */
function allSeriesAreWhole({ series }: CompletenessFacts): boolean {
  return (
    series.length > 0 &&
    series.every(({ received, expected, shape }) =>
      isCount(expected) ? received >= expected : shape?.kind === 'tiles' && shape.isWhole === true,
    )
  );
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
