import type { DicomJson } from '#libs/dicom';

import type { WaveformInput } from './manifest.js';
import { items, number, text } from './read-attributes.js';
import type { Candidate } from './candidate.js';
import { channelLead, hasLead, type Lead } from './waveform-leads.js';

/** Waveform Data, inside an item of Waveform Sequence. */
export const waveformDataTag = '54001010';
const waveformSequenceTag = '54000100';

/** The longest multiplex group (PS3.3 C.10.9) that has all leads and length enough: the rhythm strip rather than a median beat. */
export function selectWaveform(
  spec: WaveformInput,
  seriesInstanceUid: string,
  instances: DicomJson[],
): Exclude<Candidate, { input: unknown }> | (Extract<Candidate, { input: unknown }> & { waveformGroup: number }) {
  let best: { input: { instance: DicomJson; sopInstanceUid: string; index: number }; seconds: number } | undefined;
  let reason = 'there is no waveform in it';
  for (const instance of instances) {
    const sopInstanceUid = text(instance, 'SOPInstanceUID');
    if (sopInstanceUid === undefined) continue;
    for (const [index, group] of items(instance, 'WaveformSequence').entries()) {
      const seconds = (number(group, 'NumberOfWaveformSamples') ?? 0) / (number(group, 'SamplingFrequency') ?? NaN);
      const why = whyNot(spec, group, seconds);
      if (why !== undefined) reason = why;
      else if (!best || seconds > best.seconds) best = { input: { instance, sopInstanceUid, index }, seconds };
    }
  }
  if (!best) return { unsuitable: reason };

  const { instance, sopInstanceUid, index } = best.input;
  const group = items(instance, 'WaveformSequence')[index]!;
  const isInline = group[waveformDataTag]?.InlineBinary !== undefined;
  const tagPath = `${waveformSequenceTag}/${index}/${waveformDataTag}`;
  return {
    input: {
      seriesInstanceUid,
      instances: [instance],
      frames: [],
      bulkData: isInline ? [] : [{ sopInstanceUid, tagPath }],
    },
    size: best.seconds,
    waveformGroup: index,
  };
}

function whyNot(spec: WaveformInput, group: DicomJson, seconds: number): string | undefined {
  const label = text(group, 'MultiplexGroupLabel') ?? 'a waveform';
  if (!Number.isFinite(seconds)) return `${label} does not say its SamplingFrequency`;
  if (seconds < spec.seconds.atLeast)
    return `${label} is ${seconds.toFixed(1)} s long, at least ${spec.seconds.atLeast} s are needed`;
  if (seconds > spec.seconds.atMost)
    return `${label} is ${seconds.toFixed(0)} s long, at most ${spec.seconds.atMost} s are taken`;
  const present = new Set<Lead>();
  for (const channel of items(group, 'ChannelDefinitionSequence')) {
    const lead = channelLead(channel);
    if (lead) present.add(lead);
  }
  const missing = spec.leads.filter((lead) => !hasLead(lead, present));
  return missing.length === 0 ? undefined : `${label} lacks lead ${missing.join(', ')}`;
}
