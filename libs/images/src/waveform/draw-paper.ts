import { standardLeads, type Channel } from './read-waveform.js';
import { strokeText, strokeTextWidth } from './stroke-font.js';

/** Millimetres of paper: 25 for a second, 10 for a millivolt, as ECGs are read everywhere. */
const secondLength = 25;
const millivoltHeight = 10;
export const pageSeconds = 10;

const margin = 5;
/** Room for the tall deflections of the first row. */
const header = 8;
/** Room for the calibration pulse in front of the traces. */
const lead = 10;
const rowHeight = 30;
const footer = 8;

export interface Drawing {
  svg: string;
  /** Millimetres. */
  width: number;
  height: number;
}

/**
 * Channels on ECG paper. Twelve standard leads are laid out as usual, three rows of four and a rhythm strip of lead II;
 * anything else as one strip a channel, ten seconds long, what is not a voltage at a scale of its own.
 */
export function drawPaper(channels: Channel[], pixelsPerMillimetre: number): Drawing {
  const leads = standardLeads.map((name) =>
    longest(channels.filter((channel) => channel.name === name && channel.unit === 'mV')),
  );
  const isTwelveLead = leads.every((channel) => channel !== undefined);
  const rows = isTwelveLead ? twelveLeadRows(leads as Channel[]) : channels.map(stripRow);

  const width = margin + lead + pageSeconds * secondLength + margin;
  const height = header + rows.length * rowHeight + footer;
  const ink = rows.map((row, i) => drawRow(row, header + i * rowHeight)).join('');
  const scale = rows.some((row) => row.isVoltage) ? '25 mm/s   10 mm/mV' : '25 mm/s';
  const label = letters(scale, margin + lead, height - 3, 2.5);

  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.round(width * pixelsPerMillimetre)}" ` +
    `height="${Math.round(height * pixelsPerMillimetre)}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="#fffafa"/>` +
    gridLines(width, height, 1, '#f8d4d4', 0.1) +
    gridLines(width, height, 5, '#efa9a9', 0.2) +
    ink +
    label +
    '</svg>';
  return { svg, width, height };
}

interface Segment {
  channel: Channel;
  label: string;
  /** Seconds of the page, and of the recording, where it begins. */
  pageStart: number;
  start: number;
  seconds: number;
}

interface Row {
  isVoltage: boolean;
  segments: Segment[];
  /** Millimetres a unit, and the value that is drawn in the middle of the row. */
  scale: number;
  middle: number | undefined;
}

function longest(channels: Channel[]): Channel | undefined {
  return channels.reduce<Channel | undefined>(
    (best, channel) => (best && duration(best) >= duration(channel) ? best : channel),
    undefined,
  );
}

function duration({ values, samplingFrequency }: Channel): number {
  return values.length / samplingFrequency;
}

/** I aVR V1 V4, II aVL V2 V5, III aVF V3 V6, and II throughout: 2.5 seconds each, one after the other in time. */
function twelveLeadRows(leads: Channel[]): Row[] {
  const columnSeconds = pageSeconds / 4;
  const rows = [0, 1, 2].map((row): Row => {
    const segments = [0, 1, 2, 3].map((column): Segment => {
      const channel = leads[column * 3 + row] as Channel;
      const pageStart = column * columnSeconds;
      // A recording of one column's length only (or a single beat) is drawn from its beginning.
      const start = duration(channel) >= pageStart + columnSeconds ? pageStart : 0;
      return { channel, label: channel.name, pageStart, start, seconds: columnSeconds };
    });
    return { isVoltage: true, segments, scale: millivoltHeight, middle: undefined };
  });
  const rhythm = leads[1] as Channel;
  const strip: Segment = { channel: rhythm, label: rhythm.name, pageStart: 0, start: 0, seconds: pageSeconds };
  return [...rows, { isVoltage: true, segments: [strip], scale: millivoltHeight, middle: undefined }];
}

function stripRow(channel: Channel): Row {
  const isVoltage = channel.unit === 'mV';
  const segment = { channel, pageStart: 0, start: 0, seconds: pageSeconds };
  if (isVoltage) {
    return { isVoltage, segments: [{ ...segment, label: channel.name }], scale: millivoltHeight, middle: undefined };
  }
  const [low, high] = range(channel.values);
  return {
    isVoltage,
    segments: [{ ...segment, label: `${channel.name}  ${short(low)} - ${short(high)} ${channel.unit}`.trim() }],
    scale: high > low ? (rowHeight - 8) / (high - low) : 1,
    middle: (low + high) / 2,
  };
}

function range(values: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function drawRow(row: Row, top: number): string {
  const middle = top + rowHeight / 2;
  const pulse = row.isVoltage ? trace(calibrationPulse(middle)) : '';
  return pulse + row.segments.map((segment) => drawSegment(segment, row, top)).join('');
}

/** One millivolt for 0.2 seconds. */
function calibrationPulse(middle: number): string {
  return `M${margin} ${middle}h2v${-millivoltHeight}h5v${millivoltHeight}h2`;
}

function drawSegment({ channel, label, pageStart, start, seconds }: Segment, row: Row, top: number): string {
  const { values, samplingFrequency } = channel;
  const first = Math.round(start * samplingFrequency);
  const shown = values.subarray(first, Math.min(values.length, Math.round(first + seconds * samplingFrequency) + 1));
  // ECG paper has no zero: a trace lies around the middle of its row, whatever the offset of the electrodes.
  const middleValue = row.middle ?? median(shown);
  const left = margin + lead + pageStart * secondLength;
  const middle = top + rowHeight / 2;

  const x = (i: number): number => left + (i / samplingFrequency) * secondLength;
  const y = (value: number): number => middle - (value - middleValue) * row.scale;
  const divider = pageStart > 0 ? trace(`M${left} ${middle - 4}V${middle - 8}`) : '';
  return divider + trace(path(shown, x, y)) + letters(label, left + 1, top + 5, 3);
}

/** Points a tenth of a millimetre apart at most: of more samples, the lowest and highest of each step are kept. */
function path(values: Float32Array, x: (i: number) => number, y: (value: number) => number): string {
  const step = Math.max(1, Math.floor(0.1 / (x(1) - x(0))));
  let d = '';
  let isDrawing = false;
  const point = (i: number): void => {
    const value = values[i] as number;
    if (Number.isNaN(value)) {
      isDrawing = false;
      return;
    }
    d += `${isDrawing ? 'L' : 'M'}${x(i).toFixed(2)} ${y(value).toFixed(2)}`;
    isDrawing = true;
  };
  for (let i = 0; i < values.length; i += step) {
    if (step === 1) {
      point(i);
      continue;
    }
    let [lowest, highest] = [i, i];
    for (let j = i; j < Math.min(i + step, values.length); j++) {
      if (Number.isNaN(values[j])) [lowest, highest] = [j, j];
      if ((values[j] as number) < (values[lowest] as number)) lowest = j;
      if ((values[j] as number) > (values[highest] as number)) highest = j;
    }
    point(Math.min(lowest, highest));
    if (lowest !== highest) point(Math.max(lowest, highest));
  }
  return d;
}

function median(values: Float32Array): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

function gridLines(width: number, height: number, step: number, color: string, lineWidth: number): string {
  let d = '';
  for (let x = 0; x <= width; x += step) d += `M${x} 0V${height}`;
  for (let y = 0; y <= height; y += step) d += `M0 ${y}H${width}`;
  return `<path d="${d}" fill="none" stroke="${color}" stroke-width="${lineWidth}"/>`;
}

function trace(d: string): string {
  return d === '' ? '' : `<path d="${d}" fill="none" stroke="#101018" stroke-width="0.3" stroke-linejoin="round"/>`;
}

/** Text on a patch of paper, so that a trace behind it does not make it unreadable. */
function letters(text: string, x: number, y: number, height: number): string {
  const width = strokeTextWidth(text, height) + 1;
  return (
    `<rect x="${x - 0.5}" y="${y - height - 0.7}" width="${width.toFixed(2)}" height="${height + 1.8}" fill="#fffafa" fill-opacity="0.75"/>` +
    `<path d="${strokeText(text, x, y, height)}" fill="none" stroke="#101018" stroke-width="${(height / 8).toFixed(2)}" ` +
    'stroke-linecap="round" stroke-linejoin="round"/>'
  );
}
