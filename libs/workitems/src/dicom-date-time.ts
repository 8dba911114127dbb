/** A DT value (PS3.5 6.2) in UTC, e.g. `20260131235959.123000+0000`. */
export function dicomDateTime(date: Date): string {
  const [day = '', time = ''] = date.toISOString().split('T');
  return `${day.replaceAll('-', '')}${time.replaceAll(':', '').replace('Z', '000')}+0000`;
}
