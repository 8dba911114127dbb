import type { Limits } from './limits.js';
import type { Measurement, Server } from './measure.js';
import type { Row } from './rows.js';
import { median, ratioByRound } from './statistics.js';

export interface RowResult {
  id: string;
  title: string;
  unit: Row['unit'];
  /** Round by round, by the server's name. */
  measurements: Record<string, Measurement[]>;
}

export interface Results {
  servers: { name: string; pssMebibytes: number | undefined }[];
  limits: Limits;
  rows: RowResult[];
}

const valueOf = (unit: Row['unit'], measurement: Measurement) =>
  unit === 'ms' ? measurement.medianMilliseconds : measurement.rate;

const isLessBetter = (unit: Row['unit']) => unit === 'ms' || unit === 'MiB';

/** One line a row: each server's median, processor seconds for 1,000, and how it compares to the first. */
export function tableOf(servers: readonly Server[], rows: readonly RowResult[]): string {
  const [first, ...others] = servers.map(({ name }) => name);
  const head = [
    'row',
    'unit',
    ...servers.map(({ name }) => name),
    ...others.map((name) => `${name}/${first}`),
    ...servers.map(({ name }) => `${name} p95 ms`),
    ...servers.map(({ name }) => `${name} CPU s/1000`),
    'errors',
  ];
  const lines = rows.map(({ title, unit, measurements }) => {
    const values = (name: string) => measurements[name]!.map((one) => valueOf(unit, one));
    const cpu = (name: string) =>
      median(measurements[name]!.flatMap(({ cpuSecondsPer1000: seconds }) => seconds ?? []));
    return [
      title,
      unit,
      ...servers.map(({ name }) => short(median(values(name)))),
      ...others.map((name) => short(ratioByRound(values(name), values(first!), isLessBetter(unit)))),
      ...servers.map(({ name }) => short(median(measurements[name]!.map(({ p95Milliseconds }) => p95Milliseconds)))),
      ...servers.map(({ name }) => short(cpu(name))),
      String(Object.values(measurements).reduce((sum, some) => sum + some.flatMap(({ errors }) => errors).length, 0)),
    ];
  });
  return format([head, ...lines]);
}

export function limitsText({ durableSlices, durableBatches, nodeAnswers }: Limits): string {
  return `This machine at most: ${short(durableSlices)} slices/s written with fdatasync one by one, ${short(durableBatches)} in twenties; ${short(nodeAnswers)} answers/s of a frame's size by Node alone, c=1.\n`;
}

/** The first wrong answer of each row, by server. */
export function errorsText(rows: readonly RowResult[]): string {
  const lines = rows.flatMap(({ id, measurements }) =>
    Object.entries(measurements).flatMap(([name, some]) => {
      const error = some.flatMap(({ errors }) => errors)[0];
      return error === undefined ? [] : [`${id}, ${name}: ${error}\n`];
    }),
  );
  return lines.join('');
}

function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function format(lines: readonly string[][]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map(
      (line) =>
        `${line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ')}\n`,
    )
    .join('');
}
