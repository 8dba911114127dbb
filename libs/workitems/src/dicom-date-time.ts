/** A DT value (PS3.5 6.2) in UTC, e.g. `20260131235959.123000+0000`. */
export function dicomDateTime(date: Date): string {
  const [day = '', time = ''] = date.toISOString().split('T');
  return `${day.replaceAll('-', '')}${time.replaceAll(':', '').replace('Z', '000')}+0000`;
}

const pattern = /^(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\.\d{1,6})?([+-]\d{4})?$/;

/**
 * The first moment of a DT value, which may be cut short; without an offset it is taken for UTC, as we write it.
 * @returns undefined when it is none
 */
export function parseDicomDateTime(text: string): Date | undefined {
  return dicomPeriod(text)?.start;
}

/** The time a DT value stands for, at the precision it is given with: from `start` until before `end`. */
export function dicomPeriod(text: string): { start: Date; end: Date } | undefined {
  const parts = pattern.exec(text.trim());
  if (parts === null) return undefined;
  const fields = parts.slice(1, 7).map((part) => (part === undefined ? undefined : Number(part)));
  const given = fields.filter((field) => field !== undefined).length;
  // JavaScript counts months from 0, and takes the 31st of February for the 3rd of March.
  const moment = (step: number): number => {
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = fields.map((field, index) =>
      index === given - 1 ? (field ?? 0) + step : field,
    );
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  const [, month = 1, day = 1, hour = 0, minute = 0, second = 0] = fields;
  const start = new Date(moment(0));
  if (start.getUTCMonth() !== month - 1 || start.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const zone = parts[8] ?? '+0000';
  const offset = (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))) * 60_000;
  const fraction = Number(`0${parts[7] ?? ''}`) * 1000;
  return {
    start: new Date(moment(0) - offset + fraction),
    end: new Date(parts[7] === undefined ? moment(1) - offset : moment(0) - offset + fraction + 1),
  };
}
