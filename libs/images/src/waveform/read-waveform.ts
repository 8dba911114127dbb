import type { DicomJson } from '#libs/dicom';
import { itemsOf, numberOf, requiredNumber, textOf } from '../attributes.js';
import { bytesOf, type BulkData } from '../bulk-data.js';
import { ImageError } from '../image-error.js';

/** The part of one channel that is drawn. */
export interface Channel {
  /** A standard lead ("aVR") where the channel says that it is one, else its own label. */
  name: string;
  /** What `values` are in: mV for every voltage, else the unit as the dataset has it; '' when it says none. */
  unit: string;
  samplingFrequency: number;
  /** From the beginning of the recording, in `unit`; NaN where there is padding. */
  values: Float32Array;
}

export const standardLeads = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'] as const;

/** More groups or channels are never drawn; a page of paper has an end. */
const groupsMax = 16;
const channelsMax = 64;

const voltages: Readonly<Record<string, number>> = { nV: 1e-6, uV: 1e-3, µV: 1e-3, mV: 1, V: 1e3 };

/**
 * The channels of a Waveform Sequence (PS3.3 C.10.9), group after group, in physical units: sample * sensitivity *
 * correction factor + baseline.
 *
 * @param secondsMax Later samples are not read.
 * @throws ImageError no-pixels when there is no waveform; missing-attribute, truncated, unsupported-pixels
 */
export function readChannels(dataset: DicomJson, secondsMax: number, bulkData: BulkData | undefined): Channel[] {
  const groups = itemsOf(dataset, '54000100');
  if (groups.length === 0)
    throw new ImageError(
      'no-pixels',
      'The instance has no waveform: Waveform Sequence (5400,0100) is absent or empty.',
    );
  return groups
    .slice(0, groupsMax)
    .flatMap((group) => readGroup(group, secondsMax, bulkData))
    .slice(0, channelsMax);
}

function readGroup(group: DicomJson, secondsMax: number, bulkData: BulkData | undefined): Channel[] {
  const numberOfChannels = requiredNumber(group, '003A0005', 'Number of Waveform Channels');
  const numberOfSamples = requiredNumber(group, '003A0010', 'Number of Waveform Samples');
  const samplingFrequency = requiredNumber(group, '003A001A', 'Sampling Frequency');
  if (!(numberOfChannels >= 1 && numberOfSamples >= 1 && samplingFrequency > 0 && Number.isInteger(numberOfChannels))) {
    throw new ImageError(
      'invalid-value',
      `A waveform of ${numberOfChannels} channels with ${numberOfSamples} samples at ${samplingFrequency} Hz cannot be drawn.`,
    );
  }
  const format = sampleFormat(group);
  const bytes = bytesOf(group, '54001010', 'Waveform Data', bulkData);
  if (!bytes) throw new ImageError('missing-attribute', 'Waveform Data (5400,1010) is missing.');
  const needed = numberOfChannels * numberOfSamples * format.bytes;
  if (bytes.length < needed) {
    throw new ImageError(
      'truncated',
      `Waveform Data has ${bytes.length} bytes; ${numberOfChannels} channels of ${numberOfSamples} samples need ${needed}.`,
    );
  }

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.min(numberOfSamples, Math.ceil(secondsMax * samplingFrequency) + 1);
  const padding = readPadding(group, format);
  return itemsOf(group, '003A0200')
    .slice(0, Math.min(numberOfChannels, channelsMax))
    .map((definition, channel) => {
      const { unit, scale, offset } = readSensitivity(definition);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const sample = format.read(view, (i * numberOfChannels + channel) * format.bytes);
        values[i] = sample === padding ? NaN : sample * scale + offset;
      }
      return { name: channelName(definition, channel), unit, samplingFrequency, values };
    });
}

interface SampleFormat {
  bytes: number;
  read: (view: DataView, at: number) => number;
}

/** Waveform Sample Interpretation (5400,1006), PS3.3 C.10.9.1.5. Samples are little endian, see BulkData. */
function sampleFormat(group: DicomJson): SampleFormat {
  const interpretation = textOf(group, '54001006') ?? '';
  const bits = requiredNumber(group, '54001004', 'Waveform Bits Allocated');
  const formats: Readonly<Record<string, SampleFormat>> = {
    SB8: { bytes: 1, read: (view, at) => view.getInt8(at) },
    UB8: { bytes: 1, read: (view, at) => view.getUint8(at) },
    SS16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
    US16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
    SL32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
    UL32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  };
  const format = formats[`${interpretation}${bits}`];
  if (!format) {
    throw new ImageError('unsupported-pixels', `Waveform samples "${interpretation}" of ${bits} bits cannot be drawn.`);
  }
  return format;
}

function readPadding(group: DicomJson, format: SampleFormat): number | undefined {
  const inline = group['5400100A']?.InlineBinary;
  if (inline === undefined) return numberOf(group, '5400100A');
  const bytes = Buffer.from(inline, 'base64');
  if (bytes.length < format.bytes) return undefined;
  return format.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}

function readSensitivity(definition: DicomJson): { unit: string; scale: number; offset: number } {
  const sensitivity = numberOf(definition, '003A0210');
  if (sensitivity === undefined) return { unit: '', scale: 1, offset: 0 };
  const unitCode = itemsOf(definition, '003A0211')[0];
  const unit = (unitCode && textOf(unitCode, '00080100')) ?? '';
  const toMillivolts = voltages[unit];
  const factor = toMillivolts ?? 1;
  return {
    unit: toMillivolts === undefined ? unit : 'mV',
    scale: sensitivity * (numberOf(definition, '003A0212') ?? 1) * factor,
    offset: (numberOf(definition, '003A0213') ?? 0) * factor,
  };
}

/** By label or by the meaning of the source's code ("Lead aVR", "Lead I (Einthoven)"); the codes themselves differ by scheme. */
function channelName(definition: DicomJson, channel: number): string {
  const source = itemsOf(definition, '003A0208')[0];
  const texts = [textOf(definition, '003A0203'), source && textOf(source, '00080104')].filter(
    (text) => text !== undefined,
  );
  for (const text of texts) {
    const lead = /^(?:lead\s+)?(III|II|I|aVR|aVL|aVF|V[1-6])(?:\s*\(.*\))?$/i.exec(text)?.[1]?.toLowerCase();
    const standard = standardLeads.find((name) => name.toLowerCase() === lead);
    if (standard) return standard;
  }
  return texts[0] ?? `Channel ${channel + 1}`;
}
