import { readFile } from 'node:fs/promises';
import type { DicomJson } from '#libs/dicom';
import type { WaveformInput } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import { items, number } from '../../models/read-attributes.js';
import { selectWaveform, waveformDataTag } from '../../models/select-waveform.js';
import { channelLead, derivedLeads, type Lead } from '../../models/waveform-leads.js';
import type { Tensor } from '../tensor.js';
import type { Prepared } from './prepared.js';
import { channelMicrovolts } from './channel-microvolts.js';
import { resample } from './resample.js';

/** Leads in microvolts at the wanted rate, [1, leads, samples], in one batch. */
export async function prepareWaveform(spec: WaveformInput, task: FetchedInput): Promise<Prepared> {
  const [, rate] = spec.preprocessing;
  const { group, bytes } = await readGroup(spec, task);
  const hertz = number(group, 'SamplingFrequency');
  if (!hertz) throw new ModelError('invalid-input', 'The waveform does not say its SamplingFrequency.');

  const present = new Map<Lead, Float64Array>();
  for (const [index, channel] of items(group, 'ChannelDefinitionSequence').entries()) {
    const lead = channelLead(channel);
    if (lead && !present.has(lead)) present.set(lead, channelMicrovolts(group, channel, index, bytes));
  }
  const resampled = spec.leads.map((lead) => resample(leadSamples(lead, present), hertz, rate.hertz));
  const samples = resampled[0]!.length;
  const data = new Float32Array(spec.leads.length * samples);
  resampled.forEach((lead, index) => data.set(lead, index * samples));
  return {
    facts: { kind: 'waveform', hertz: rate.hertz },
    numbers: {},
    batches: once({ data, dims: [1, spec.leads.length, samples] }),
  };
}

function leadSamples(lead: Lead, present: ReadonlyMap<Lead, Float64Array>): Float64Array {
  const recorded = present.get(lead);
  if (recorded) return recorded;
  const [parts, one, two] = [derivedLeads[lead], present.get('I'), present.get('II')];
  if (!parts || !one || !two) throw new ModelError('invalid-input', `The waveform lacks lead ${lead}.`);
  return one.map((value, index) => parts.I * value + parts.II * two[index]!);
}

async function readGroup(
  spec: WaveformInput,
  { input, bulkDataFiles }: FetchedInput,
): Promise<{ group: DicomJson; bytes: Buffer }> {
  const chosen = selectWaveform(spec, input.seriesInstanceUid, input.instances);
  if ('unsuitable' in chosen)
    throw new ModelError('invalid-input', `The waveform cannot be used: ${chosen.unsuitable}.`);
  const groups = items(input.instances[0]!, 'WaveformSequence');
  const wanted = chosen.input.bulkData[0];
  if (!wanted) {
    const group = groups[chosen.waveformGroup]!;
    return { group, bytes: Buffer.from(group[waveformDataTag]!.InlineBinary!, 'base64') };
  }
  const file = bulkDataFiles.find(
    ({ sopInstanceUid, tagPath }) => sopInstanceUid === wanted.sopInstanceUid && tagPath === wanted.tagPath,
  );
  if (!file)
    throw new ModelError(
      'invalid-input',
      `The waveform samples ${wanted.tagPath} of ${wanted.sopInstanceUid} were not fetched.`,
    );
  return { group: groups[chosen.waveformGroup]!, bytes: await readFile(file.file) };
}

async function* once(tensor: Tensor): AsyncGenerator<Tensor> {
  yield tensor;
}
