import type { DicomJson } from '#libs/dicom';
import type { ModelManifest } from './manifest.js';
import type { Candidate } from './candidate.js';
import { firstMismatch, preferenceRank } from './match-attributes.js';
import type { ModelInput } from './model.js';
import { text } from './read-attributes.js';
import { selectImages } from './select-images.js';
import { selectTiles } from './select-tiles.js';
import { selectVolume } from './select-volume.js';
import { selectWaveform } from './select-waveform.js';

const reasonsMax = 4;

/**
 * Picks what a model reads of a study, from metadata alone.
 *
 * @param instances Metadata (PS3.18 F.2) of all instances of one study, in any order.
 * @returns the input, or why no series fits: a sentence a person can act on, with the reason of each series.
 */
export function selectInput(manifest: ModelManifest, instances: DicomJson[]): ModelInput | { unsuitable: string } {
  const series = Map.groupBy(instances, (instance) => text(instance, 'SeriesInstanceUID') ?? '');
  const reasons = new Set<string>();
  const candidates: { input: ModelInput; rank: number; size: number; uid: string }[] = [];

  for (const [uid, members] of series) {
    const candidate = considerSeries(manifest, uid, members);
    if ('unsuitable' in candidate) {
      reasons.add(`${describeSeries(members)}: ${candidate.unsuitable}`);
      continue;
    }
    const rank = Math.min(...candidate.input.instances.map((one) => preferenceRank(one, manifest.accepts.prefer)));
    candidates.push({ input: candidate.input, rank, size: candidate.size, uid });
  }

  // The last comparison only makes the choice the same whatever the order of arrival.
  candidates.sort((a, b) => a.rank - b.rank || b.size - a.size || (a.uid < b.uid ? -1 : 1));
  const best = candidates[0];
  if (best) return best.input;
  if (reasons.size === 0) return { unsuitable: 'Not analysed: the study has no instances.' };
  const told = [...reasons].slice(0, reasonsMax);
  const more = reasons.size > reasonsMax ? `; and ${reasons.size - reasonsMax} more` : '';
  return { unsuitable: `Not analysed: no series fits ${manifest.title}. ${told.join('; ')}${more}.` };
}

function considerSeries(manifest: ModelManifest, uid: string, members: DicomJson[]): Candidate {
  if (uid === '') return { unsuitable: 'SeriesInstanceUID is absent' };
  const accepted: DicomJson[] = [];
  let reason = '';
  for (const member of members) {
    const why = firstMismatch(member, manifest.accepts.instances);
    if (why === undefined) accepted.push(member);
    else reason ||= why;
  }
  if (accepted.length === 0) return { unsuitable: reason };

  const { input } = manifest;
  switch (input.kind) {
    case 'image':
      return selectImages(input, uid, accepted);
    case 'stack':
    case 'volume':
      return selectVolume(input, uid, accepted);
    case 'waveform':
      return selectWaveform(input, uid, accepted);
    case 'tiles':
      return selectTiles(input, uid, accepted);
  }
}

function describeSeries(members: DicomJson[]): string {
  const first = members[0]!;
  const number = text(first, 'SeriesNumber');
  const description = text(first, 'SeriesDescription');
  return `series ${number ?? text(first, 'SeriesInstanceUID') ?? '?'}${description ? ` (${description})` : ''}`;
}
