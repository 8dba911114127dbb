import type { Policy } from './policy.js';
import { isColder, type Recompression, type Tier, tiers } from './tiers.js';

/** A series, and where its packs are. */
export interface SeriesFacts {
  seriesInstanceUid: string;
  bytes: number;
  packs: number;
  /** The tier on which its nearest pack is read; all of it has a copy there or farther away. */
  nearest: Tier;
  /** That of its farthest. */
  farthest: Tier;
}

/** What decides where a study belongs. Ages are in days, by the database's clock. */
export interface StudyFacts {
  studyInstanceUid: string;
  modalities: string[];
  specialty: string | null;
  bytes: number;
  /** Since its last instance came, or since it was called back. */
  ageDays: number;
  /** Since somebody last read from it; since it came when nobody did. */
  unusedDays: number;
  /** A model has still to analyse it, or it is still coming in. */
  isAwaited: boolean;
  /** Its reading is done. */
  isRead: boolean;
  isOnLegalHold: boolean;
  /** Where somebody wants it to stay. */
  pin: Tier | null;
  series: SeriesFacts[];
}

export interface Move {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  bytes: number;
  from: Tier;
  to: Tier;
  /** The policy's name, or `pin`. */
  reason: string;
  /** How frames are compressed on the way; absent: they are not. */
  recompress?: Recompression;
}

/**
 * Says which series belong on another tier. A pin decides alone, up or down. Policies only send away, and never while
 * somebody waits for the study. A tier without a store is passed over: what would be cold stays warm, what would be warm
 * stays hot.
 */
export function chooseMoves(study: StudyFacts, policies: readonly Policy[], available: readonly Tier[]): Move[] {
  if (study.pin !== null) {
    const to = nearestAvailable(study.pin, available);
    return study.series
      .filter(({ nearest, farthest }) => nearest !== to || farthest !== to)
      .map((series) => toMove(study, series, to, 'pin'));
  }
  if (study.isAwaited) return [];
  const policy = policies.find((one) => matches(study, one));
  if (policy === undefined) return [];
  const due = dueSteps(study, policy);
  const to = nearestAvailable(farthestOf(due), available);
  const recompress = due.find((step) => step.recompress !== undefined)?.recompress;
  return study.series
    .filter(({ nearest }) => isColder(to, nearest))
    .map((series) => ({ ...toMove(study, series, to, policy.name), ...(recompress !== undefined && { recompress }) }));
}

function toMove(study: StudyFacts, series: SeriesFacts, to: Tier, reason: string): Move {
  const { studyInstanceUid } = study;
  const { seriesInstanceUid, bytes, nearest, farthest } = series;
  return { studyInstanceUid, seriesInstanceUid, bytes, from: isColder(to, nearest) ? nearest : farthest, to, reason };
}

function matches(study: StudyFacts, { match }: Policy): boolean {
  const { modalities, specialties, bytesMin = 0, bytesMax = Infinity, isRead, isOnLegalHold } = match;
  return (
    (modalities === undefined || modalities.some((modality) => study.modalities.includes(modality))) &&
    (specialties === undefined || (study.specialty !== null && specialties.includes(study.specialty))) &&
    study.bytes >= bytesMin &&
    study.bytes <= bytesMax &&
    (isRead === undefined || study.isRead === isRead) &&
    (isOnLegalHold === undefined || study.isOnLegalHold === isOnLegalHold)
  );
}

/** The steps whose time has come. */
function dueSteps(study: StudyFacts, { steps }: Policy): Policy['steps'] {
  return steps.filter(
    ({ afterDays, unusedDays = 0, requiresReading = false }) =>
      study.ageDays >= afterDays && study.unusedDays >= unusedDays && (study.isRead || !requiresReading),
  );
}

function farthestOf(steps: Policy['steps']): Tier {
  return steps.reduce<Tier>((farthest, { to }) => (isColder(to, farthest) ? to : farthest), 'hot');
}

function nearestAvailable(wanted: Tier, available: readonly Tier[]): Tier {
  for (let index = tiers.indexOf(wanted); index > 0; index -= 1) {
    if (available.includes(tiers[index]!)) return tiers[index]!;
  }
  return 'hot';
}
