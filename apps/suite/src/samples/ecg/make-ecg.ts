import { explicitLittleEndian, writePart10 } from '#libs/dicom';
import {
  type Attributes,
  code,
  sampleAttributes,
  sampleDate,
  type SampleDescription,
  sampleUid,
  syntheticComment,
  toDicomJson,
} from '../sample-dataset.js';
import { fibrillatingHeart, type LeadName, leadNames, samplesPerSecond } from './heart-model.js';

const sample: SampleDescription = {
  number: 2,
  name: 'Heart',
  modality: 'ECG',
  description: '12-lead ECG at rest (synthetic)',
  seriesDescription: '12 leads, 10 s',
  age: 71,
  sex: 'F',
  time: '083000',
};

const seconds = 10;

/** PS3.16 CID 3001; the part of the code after "2:". */
const leadCodes: Record<LeadName, number> = {
  I: 1,
  II: 2,
  III: 61,
  aVR: 62,
  aVL: 63,
  aVF: 64,
  V1: 3,
  V2: 4,
  V3: 5,
  V4: 6,
  V5: 7,
  V6: 8,
};

/** A 12-lead ECG in atrial fibrillation, ten seconds at 500 Hz, one microvolt a step (12-Lead ECG, PS3.3 A.34.3). */
export function makeEcg(): Buffer {
  const { leads } = fibrillatingHeart(seconds, 42);
  const length = seconds * samplesPerSecond;
  const samples = Buffer.alloc(length * leadNames.length * 2);
  for (let at = 0; at < length; at++) {
    leadNames.forEach((name, channel) =>
      samples.writeInt16LE(leads[name][at] ?? 0, (at * leadNames.length + channel) * 2),
    );
  }
  return writePart10(
    toDicomJson({
      ...sampleAttributes(sample),
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.9.1.1',
      SOPInstanceUID: sampleUid(sample, 'recording'),
      AcquisitionDateTime: `${sampleDate}${sample.time}`,
      InstanceNumber: 1,
      ImageComments: syntheticComment,
      AcquisitionContextSequence: [],
      WaveformSequence: [
        {
          WaveformOriginality: 'ORIGINAL',
          NumberOfWaveformChannels: leadNames.length,
          NumberOfWaveformSamples: length,
          SamplingFrequency: samplesPerSecond,
          MultiplexGroupLabel: '12 leads',
          ChannelDefinitionSequence: leadNames.map(describeChannel),
          WaveformBitsAllocated: 16,
          WaveformSampleInterpretation: 'SS',
          WaveformData: samples,
        },
      ],
    }),
    explicitLittleEndian,
  );
}

function describeChannel(name: LeadName): Attributes {
  return {
    ChannelLabel: name,
    ChannelSourceSequence: [code(`2:${leadCodes[name]}`, 'MDC', name.startsWith('aV') ? name : `Lead ${name}`)],
    ChannelSensitivity: 1,
    ChannelSensitivityUnitsSequence: [code('uV', 'UCUM', 'microvolt')],
    ChannelSensitivityCorrectionFactor: 1,
    ChannelBaseline: 0,
    ChannelTimeSkew: 0,
    WaveformBitsStored: 16,
    FilterLowFrequency: 0.05,
    FilterHighFrequency: 150,
    NotchFilterFrequency: 50,
  };
}
