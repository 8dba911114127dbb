// The DICOM of one study, made of a picture (a slide, or a radiograph), an ECG as JSON, or a volume as NIfTI.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const one = (vr, ...Value) => ({ vr, Value });

const common = (modality, sopClass) => ({
  '00080016': one('UI', sopClass),
  '00080020': one('DA', '20260102'),
  '00080030': one('TM', '101500'),
  '00080050': one('SH', 'A1'),
  '00080060': one('CS', modality),
  '00080090': { vr: 'PN' },
  '00100010': one('PN', { Alphabetic: 'Speed^Test' }),
  '00100030': { vr: 'DA' },
  '00100040': one('CS', 'O'),
  '00200010': one('SH', '1'),
  '00200011': one('IS', 1),
});
const pixels = (rows, columns, samples, photometric) => ({
  '00280002': one('US', samples),
  '00280004': one('CS', photometric),
  ...(samples > 1 && { '00280006': one('US', 0) }),
  '00280010': one('US', rows),
  '00280011': one('US', columns),
  '00280100': one('US', 8),
  '00280101': one('US', 8),
  '00280102': one('US', 7),
  '00280103': one('US', 0),
});

/**
 * @param modality 'CR', 'DX': a picture is a radiograph
 * @param tiles across and down, where a picture becomes a slide, @param micrometres between its pixels
 * @returns `instances`: without UIDs, without bulk, with the bulk beside them: `frames`, or `samples` of an ECG
 */
export async function makeStudy(input, { modality, tiles, jpeg, tissueRows, micrometres }) {
  if (input.endsWith('.json')) return ecg(JSON.parse(readFileSync(input, 'utf8')));
  if (/\.nii(\.gz)?$/.test(input)) return volume(input);
  return modality === 'SM' ? slide(input, { tiles, jpeg, tissueRows, micrometres }) : radiograph(input, modality);
}

function ecg({ fs, leads, signal }) {
  const numbers = { I: 1, II: 2, V1: 3, V2: 4, V3: 5, V4: 6, V5: 7, V6: 8, III: 61, aVR: 62, aVL: 63, aVF: 64 };
  const samples = Buffer.from(Int16Array.from(signal.flat(), (millivolts) => Math.round(millivolts * 1000)).buffer);
  const channel = (lead) => ({
    '003A0208': one('SQ', { '00080100': one('SH', `2:${numbers[lead]}`), '00080102': one('SH', 'MDC') }),
    '003A0210': one('DS', 1),
    '003A0211': one('SQ', { '00080100': one('SH', 'uV'), '00080102': one('SH', 'UCUM') }),
  });
  const group = {
    '003A0005': one('US', leads.length),
    '003A0010': one('UL', signal.length),
    '003A001A': one('DS', fs),
    '003A0200': one('SQ', ...leads.map(channel)),
    54001004: one('US', 16),
    54001006: one('CS', 'SS'),
  };
  const dataset = { ...common('ECG', '1.2.840.10008.5.1.4.1.1.9.1.1'), 54000100: one('SQ', group) };
  const inline = { vr: 'OW', InlineBinary: samples.toString('base64') };
  const whole = { ...dataset, 54000100: one('SQ', { ...group, 54001010: inline }) };
  return { syntax: explicitLittleEndian, instances: [{ dataset, whole: () => whole, frames: [], samples }] };
}

async function radiograph(input, modality) {
  const { data, info } = await sharp(input).greyscale().raw().toBuffer({ resolveWithObject: true });
  const sopClass = modality === 'DX' ? '1.2.840.10008.5.1.4.1.1.1.1' : '1.2.840.10008.5.1.4.1.1.1';
  const dataset = {
    ...common(modality, sopClass),
    '00180015': one('CS', 'CHEST'),
    '00185101': one('CS', 'PA'),
    ...pixels(info.height, info.width, 1, 'MONOCHROME2'),
  };
  return { syntax: explicitLittleEndian, instances: [native(dataset, [data])] };
}

/** A whole slide's level: the same tile in so many rows from the top, and glass below. */
async function slide(input, { tiles: across, jpeg: isJpeg, tissueRows, micrometres }) {
  const side = 256;
  const encoded = (picture) =>
    (isJpeg ? picture.jpeg({ quality: 90, chromaSubsampling: '4:4:4', progressive: false }) : picture.raw()).toBuffer();
  const tissue = await encoded(sharp(input).removeAlpha().resize(side, side, { fit: 'cover' }));
  const glass = await encoded(sharp({ create: { width: side, height: side, channels: 3, background: '#fff' } }));
  const frames = Array.from({ length: across ** 2 }, (_, at) =>
    Math.floor(at / across) < tissueRows ? tissue : glass,
  );
  const dataset = {
    ...common('SM', '1.2.840.10008.5.1.4.1.1.77.1.6'),
    '00080008': one('CS', 'ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
    '00200052': one('UI', '1.2.3.4.9'),
    '00209311': one('CS', 'TILED_FULL'),
    ...pixels(side, side, 3, isJpeg ? 'YBR_FULL' : 'RGB'),
    '00280008': one('IS', frames.length),
    '00480006': one('UL', across * side),
    '00480007': one('UL', across * side),
    '00480008': one('SQ', { '0040072A': one('DS', 10), '0040073A': one('DS', 20) }),
    '00480102': one('DS', 0, -1, 0, -1, 0, 0),
    52009229: one('SQ', {
      '00289110': one('SQ', {
        '00180050': one('DS', 0.001),
        '00280030': one('DS', micrometres / 1000, micrometres / 1000),
      }),
    }),
  };
  if (!isJpeg) return { syntax: explicitLittleEndian, instances: [native(dataset, frames)] };
  const whole = () => ({ ...dataset, '7FE00010': { vr: 'OB', Value: frames } });
  return { syntax: jpegBaseline, instances: [{ dataset, whole, frames }] };
}

/** Coronal slices from back to front of a volume whose indices run to the left, to the feet and to the front (LIA), 1 mm, 8 bits. */
function volume(input) {
  const bytes = gunzipSync(readFileSync(input));
  const [ni, nj, nk] = [42, 44, 46].map((at) => bytes.readInt16LE(at));
  const data = bytes.subarray(bytes.readFloatLE(108));
  const instances = Array.from({ length: nk }, (_, slice) => ({
    ...common('MR', '1.2.840.10008.5.1.4.1.1.4'),
    '00080008': one('CS', 'DERIVED', 'PRIMARY', 'OTHER'),
    '00180023': one('CS', '3D'),
    '00200013': one('IS', slice + 1),
    '00200032': one('DS', -128, 128 - slice, 128),
    '00200037': one('DS', 1, 0, 0, 0, 0, -1),
    '00200052': one('UI', '1.2.3.4.9'),
    '00280030': one('DS', 1, 1),
    ...pixels(nj, ni, 1, 'MONOCHROME2'),
  })).map((dataset, slice) => native(dataset, [data.subarray(ni * nj * slice, ni * nj * (slice + 1))]));
  return { syntax: explicitLittleEndian, instances };
}

function native(dataset, frames) {
  const whole = () => ({
    ...dataset,
    '7FE00010': { vr: 'OW', InlineBinary: Buffer.concat(frames).toString('base64') },
  });
  return { dataset, whole, frames };
}
