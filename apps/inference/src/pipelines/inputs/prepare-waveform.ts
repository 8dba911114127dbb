import { readFile } from 'node:fs/promises';
import type { DicomJson } from '#libs/dicom';
import type { WaveformInput } from '../../models/manifest.js';
import type { WaveformStep } from '../../models/manifest-inputs.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import { items, number } from '../../models/read-attributes.js';
import { selectWaveform, waveformDataTag } from '../../models/select-waveform.js';
import { channelLead, derivedLeads, type Lead } from '../../models/waveform-leads.js';
import type { Batch } from '../batch.js';
import { applyValueStep } from '../normalise.js';
import { butterworth, filter, filterBothWays } from '../signals/butterworth.js';
import type { Prepared } from './prepared.js';
import { channelMicrovolts } from './channel-microvolts.js';
import { resample } from './resample.js';

interface Leads {
  samples: Float64Array[];
  hertz: number;
}

/** Leads in their order, [1, leads, samples], in one batch. */
export async function prepareWaveform(spec: WaveformInput, task: FetchedInput): Promise<Prepared> {
  const { group, bytes } = await readGroup(spec, task);
  const hertz = number(group, 'SamplingFrequency');
  if (!hertz) throw new ModelError('invalid-input', 'The waveform does not say its SamplingFrequency.');

  const present = new Map<Lead, Float64Array>();
  for (const [index, channel] of items(group, 'ChannelDefinitionSequence').entries()) {
    const lead = channelLead(channel);
    if (lead && !present.has(lead)) present.set(lead, channelMicrovolts(group, channel, index, bytes));
  }
  let leads: Leads = { samples: spec.leads.map((lead) => leadSamples(lead, present)), hertz };
  for (const step of spec.preprocessing) leads = applyStep(leads, step);

  const samples = leads.samples[0]!.length;
  const data = new Float32Array(spec.leads.length * samples);
  leads.samples.forEach((lead, index) => data.set(lead, index * samples));
  return {
    facts: { kind: 'waveform', hertz: leads.hertz },
    numbers: {},
    batches: once({ tensor: { data, dims: [1, spec.leads.length, samples] }, places: [{ kind: 'waveform' }] }),
  };
}

function applyStep({ samples, hertz }: Leads, step: WaveformStep): Leads {
  const each = (change: (lead: Float64Array) => Float64Array): Leads => ({ samples: samples.map(change), hertz });
  switch (step.step) {
    case 'microvolts':
      return { samples, hertz };
    case 'millivolts':
      return each((lead) => lead.map((value) => value / 1000));
    case 'resample':
      return { samples: samples.map((lead) => resample(lead, hertz, step.hertz)), hertz: step.hertz };
    case 'filter':
      try {
        const corners = typeof step.hertz === 'number' ? [step.hertz] : step.hertz;
        const by = butterworth(step.kind, step.order, corners, hertz);
        return each((lead) => (step.zeroPhase ? filterBothWays(by, lead) : filter(by, lead)));
      } catch (error) {
        throw new ModelError('invalid-input', `The waveform cannot be filtered: ${(error as Error).message}`, {
          cause: error,
        });
      }
    case 'crop-or-pad':
      return each((lead) => {
        const exact = new Float64Array(step.samples).fill(step.value);
        exact.set(lead.subarray(0, step.samples));
        return exact;
      });
    case 'normalise': {
      const length = samples[0]!.length;
      const all = new Float32Array(samples.length * length);
      samples.forEach((lead, index) => all.set(lead, index * length));
      applyValueStep(all, step, samples.length);
      return {
        hertz,
        samples: samples.map((_, index) => Float64Array.from(all.subarray(index * length, (index + 1) * length))),
      };
    }
  }
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

async function* once(batch: Batch): AsyncGenerator<Batch> {
  yield batch;
}
