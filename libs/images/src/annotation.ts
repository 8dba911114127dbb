import type { DicomJson } from '#libs/dicom';
import { itemsOf, numberOf, textOf } from './attributes.js';
import { strokeText, strokeTextWidth } from './waveform/stroke-font.js';

/** Lines of text for the corners of a picture. */
export interface Annotation {
  topLeft: string[];
  topRight: string[];
  bottomLeft: string[];
}

/** What is asked to be written on a picture (PS3.18 8.3.5.1.1). */
export type AnnotationKind = 'patient' | 'technique';

/**
 * Who was imaged, and how, as far as the dataset says.
 *
 * @param frameIndex Counts from 0; undefined for a picture of several frames.
 */
export function annotationOf(
  dataset: DicomJson,
  kinds: readonly AnnotationKind[],
  frameIndex: number | undefined,
): Annotation {
  const isPatient = kinds.includes('patient');
  const isTechnique = kinds.includes('technique');
  return {
    topLeft: isPatient ? patientLines(dataset) : [],
    topRight: isPatient ? studyLines(dataset) : [],
    bottomLeft: isTechnique ? techniqueLines(dataset, frameIndex) : [],
  };
}

function patientLines(dataset: DicomJson): string[] {
  const name = personName(dataset, '00100010');
  const born = dateOf(dataset, '00100030');
  const sex = textOf(dataset, '00100040');
  return lines([name, textOf(dataset, '00100020'), [born && `born ${born}`, sex]]);
}

function studyLines(dataset: DicomJson): string[] {
  const taken = dateOf(dataset, '00080022') ?? dateOf(dataset, '00080023') ?? dateOf(dataset, '00080020');
  const time = textOf(dataset, '00080032') ?? textOf(dataset, '00080033') ?? textOf(dataset, '00080030');
  const clock = time && /^(\d\d)(\d\d)(\d\d)?/.exec(time)?.slice(1).filter(Boolean).join(':');
  return lines([
    textOf(dataset, '00080080'),
    [taken, clock],
    textOf(dataset, '00081030'),
    textOf(dataset, '00080050') && `Acc ${textOf(dataset, '00080050')}`,
  ]);
}

function techniqueLines(dataset: DicomJson, frameIndex: number | undefined): string[] {
  const measure = (label: string, tag: string, unit: string): string | undefined => {
    const value = valueOf(dataset, tag, frameIndex);
    return value === undefined ? undefined : `${label} ${Number(value.toFixed(2))}${unit}`;
  };
  const frames = numberOf(dataset, '00280008') ?? 1;
  const series = numberOf(dataset, '00200011');
  const instance = numberOf(dataset, '00200013');
  return lines([
    [textOf(dataset, '00080060'), textOf(dataset, '0008103E')],
    [series === undefined ? undefined : `Se ${series}`, instance === undefined ? undefined : `Im ${instance}`],
    frames > 1 && frameIndex !== undefined ? `Frame ${frameIndex + 1}/${frames}` : undefined,
    [measure('', '00180060', ' kV'), measure('', '00181151', ' mA'), measure('', '00181152', ' mAs')],
    [measure('TR', '00180080', ' ms'), measure('TE', '00180081', ' ms'), measure('TI', '00180082', ' ms')],
    [measure('Thickness', '00180050', ' mm'), measure('Loc', '00201041', ' mm')],
    textOf(dataset, '00185101') && `View ${textOf(dataset, '00185101')}`,
    [textOf(dataset, '00200062') && `Side ${textOf(dataset, '00200062')}`, textOf(dataset, '00180015')],
  ]);
}

/** Functional groups that hold what used to stand at the top of the dataset, by its tag. */
const groupOfTag: Readonly<Record<string, string>> = { '00180050': '00289110', '00180080': '00189112' };

function valueOf(dataset: DicomJson, tag: string, frameIndex: number | undefined): number | undefined {
  const group = groupOfTag[tag];
  if (group === undefined) return numberOf(dataset, tag);
  const own = itemsOf(itemsOf(dataset, '52009230')[frameIndex ?? 0], group)[0];
  const shared = itemsOf(itemsOf(dataset, '52009229')[0], group)[0];
  return numberOf(own ?? shared ?? dataset, tag);
}

function lines(rows: (string | undefined | false | (string | undefined)[])[]): string[] {
  return rows
    .map((row) => (Array.isArray(row) ? row.filter(Boolean).join('  ') : row || ''))
    .map((line) => [...line.trim()].slice(0, lineLengthMax).join(''))
    .filter((line) => line !== '');
}

const lineLengthMax = 64;

/** The alphabetic group, which can be written with few letters; else the first there is. */
function personName(dataset: DicomJson, tag: string): string | undefined {
  const value = dataset[tag]?.Value?.[0] as Record<string, string> | string | undefined;
  if (value === undefined || value === null) return undefined;
  const text = typeof value === 'string' ? value : (value['Alphabetic'] ?? value['Ideographic'] ?? value['Phonetic']);
  const [family = '', given = '', middle = ''] = (text ?? '').split('^');
  const first = [given, middle].filter((part) => part !== '').join(' ');
  return [family, first].filter((part) => part !== '').join(', ') || undefined;
}

function dateOf(dataset: DicomJson, tag: string): string | undefined {
  const text = textOf(dataset, tag);
  const parts = text && /^(\d{4})(\d\d)(\d\d)$/.exec(text);
  return parts ? parts.slice(1).join('-') : text;
}

/** The text as an SVG of the picture's size; undefined when there is none. */
export function drawAnnotation(
  { topLeft, topRight, bottomLeft }: Annotation,
  width: number,
  height: number,
): string | undefined {
  const longest = (texts: string[]) => Math.max(0, ...texts.map((text) => strokeTextWidth(text, 1)));
  const rows = Math.max(topLeft.length, topRight.length) + bottomLeft.length;
  if (rows === 0) return undefined;
  // As large as is read well, but no larger than there is room for.
  const across = Math.max(longest(topLeft) + longest(topRight) + 2, longest(bottomLeft));
  const size = Math.min(
    Math.max(6, Math.min(width, height) / 48),
    (width * 0.96) / across,
    (height * 0.96) / (rows * 1.8),
  );
  const margin = Math.min(width, height) * 0.015;
  const step = size * 1.8;
  const write = (texts: string[], place: (text: string, i: number) => [number, number]): string =>
    texts.map((text, i) => strokeText(text, ...place(text, i), size)).join('');
  const d =
    write(topLeft, (_, i) => [margin, margin + size + i * step]) +
    write(topRight, (text, i) => [width - margin - strokeTextWidth(text, size), margin + size + i * step]) +
    write(bottomLeft, (_, i) => [margin, height - margin - 0.4 * size - (bottomLeft.length - 1 - i) * step]);
  const stroke = (color: string, thickness: number) =>
    `<path d="${d}" fill="none" stroke="${color}" stroke-width="${thickness.toFixed(2)}" stroke-linecap="round" stroke-linejoin="round"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${stroke('#000000', size / 2.6)}${stroke('#ffffff', size / 8)}</svg>`;
}
