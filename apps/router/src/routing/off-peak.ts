import { z } from 'zod';

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "20:00"');

/** When what can wait is done: from one time of day until another, which may be on the next day. */
export const offPeakSchema = z.strictObject({
  from: timeOfDay,
  until: timeOfDay,
  timeZone: z
    .string()
    .refine((zone) => isTimeZone(zone), 'a time zone of the IANA database such as "Europe/Berlin"')
    .default('UTC'),
  /** Saturdays and Sundays as a whole, too. */
  weekends: z.boolean().default(false),
});
export type OffPeakHours = z.infer<typeof offPeakSchema>;

export const offPeakDefault: OffPeakHours = { from: '20:00', until: '06:00', timeZone: 'UTC', weekends: false };

const minutesOfDay = 24 * 60;

/** When the next off-peak hours begin; null: it is off-peak. On days when clocks are put back or forward an hour off. */
export function nextOffPeak(now: Date, hours: OffPeakHours): Date | null {
  const local = new Intl.DateTimeFormat('en-GB', {
    timeZone: hours.timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string) => local.find((one) => one.type === type)?.value ?? '';
  const minutes = Number(part('hour')) * 60 + Number(part('minute'));
  if (hours.weekends && ['Sat', 'Sun'].includes(part('weekday'))) return null;
  const [from, until] = [minutesOf(hours.from), minutesOf(hours.until)];
  const isOffPeak = from <= until ? minutes >= from && minutes < until : minutes >= from || minutes < until;
  if (isOffPeak) return null;
  const wait = (from - minutes + minutesOfDay) % minutesOfDay;
  const start = new Date(now.getTime() + wait * 60_000);
  start.setUTCSeconds(0, 0);
  return start;
}

function minutesOf(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return hour * 60 + minute;
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
