import type { DicomJson } from '#libs/dicom';
import { ModelError } from '../../models/model-error.js';
import { items, number, text } from '../../models/read-attributes.js';

/** Microvolts in one unit of Channel Sensitivity (UCUM). */
const microvoltsPerUnit: Record<string, number> = { uV: 1, mV: 1000, V: 1_000_000, nV: 0.001 };

/** Readers by Waveform Sample Interpretation (PS3.3 C.10.9.1.5), little endian as WADO-RS sends it. */
const readers: Record<string, { bytes: number; read: (bytes: Buffer, at: number) => number }> = {
  SB: { bytes: 1, read: (bytes, at) => bytes.readInt8(at) },
  UB: { bytes: 1, read: (bytes, at) => bytes.readUInt8(at) },
  SS: { bytes: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  US: { bytes: 2, read: (bytes, at) => bytes.readUInt16LE(at) },
  SL: { bytes: 4, read: (bytes, at) => bytes.readInt32LE(at) },
  UL: { bytes: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
};

/**
 * One channel of a multiplex group in microvolts: stored value x sensitivity x correction factor (PS3.3 C.10.9.1.4.3). The
 * baseline is left out: what follows is filtered, and a constant does not pass.
 *
 * @param bytes Waveform Data: for each sample the channels side by side.
 * @throws ModelError 'invalid-input' when the scale or the format is missing or unknown: without it there are no microvolts.
 */
export function channelMicrovolts(group: DicomJson, channel: DicomJson, index: number, bytes: Buffer): Float64Array {
  const format = text(group, 'WaveformSampleInterpretation') ?? '';
  const reader = readers[format];
  if (!reader)
    throw new ModelError(
      'invalid-input',
      `Waveform samples of interpretation "${format}" cannot be read; ${Object.keys(readers).join(', ')} can.`,
    );
  const bits = number(group, 'WaveformBitsAllocated');
  if (bits !== reader.bytes * 8)
    throw new ModelError(
      'invalid-input',
      `WaveformBitsAllocated is ${bits}, but ${format} samples have ${reader.bytes * 8}.`,
    );

  const channels = number(group, 'NumberOfWaveformChannels') ?? 0;
  const samples = number(group, 'NumberOfWaveformSamples') ?? 0;
  if (bytes.length < channels * samples * reader.bytes)
    throw new ModelError(
      'invalid-input',
      `The waveform has ${bytes.length} bytes; ${samples} samples of ${channels} channels need ${channels * samples * reader.bytes}.`,
    );
  if (index >= channels)
    throw new ModelError('invalid-input', `Channel ${index + 1} is described, but there are ${channels}.`);

  const scale = microvoltsPerStep(channel);
  return Float64Array.from(
    { length: samples },
    (_, sample) => reader.read(bytes, (sample * channels + index) * reader.bytes) * scale,
  );
}

function microvoltsPerStep(channel: DicomJson): number {
  const sensitivity = number(channel, 'ChannelSensitivity');
  const units = items(channel, 'ChannelSensitivityUnitsSequence')[0];
  const unit = units && text(units, 'CodeValue');
  const perUnit = unit === undefined ? undefined : microvoltsPerUnit[unit];
  if (sensitivity === undefined || perUnit === undefined)
    throw new ModelError(
      'invalid-input',
      `A channel's sensitivity is ${sensitivity ?? 'absent'} ${unit ?? ''}; a number in ${Object.keys(microvoltsPerUnit).join(', ')} is needed.`,
    );
  return sensitivity * (number(channel, 'ChannelSensitivityCorrectionFactor') ?? 1) * perUnit;
}
