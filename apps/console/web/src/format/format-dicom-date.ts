/** `YYYYMMDD` (or the retired `YYYY.MM.DD`) as `YYYY-MM-DD`; anything else as it came, nothing as undefined. */
export function formatDicomDate(date: string | null | undefined): string | undefined {
  if (!date) return undefined;
  const match = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(date.trim());
  const isDay = match && inRange(match[2], 12) && inRange(match[3], 31);
  return isDay ? `${match[1]}-${match[2]}-${match[3]}` : date;
}

function inRange(digits: string | undefined, max: number): boolean {
  return Number(digits) >= 1 && Number(digits) <= max;
}

/** `HHMMSS.FFFFFF`, `HHMM` or `HH:MM:SS` as `HH:MM`. */
export function formatDicomTime(time: string | null | undefined): string | undefined {
  if (!time) return undefined;
  const match = /^(\d{2}):?(\d{2})/.exec(time.trim());
  return match ? `${match[1]}:${match[2]}` : time;
}

const yearsMax = 130;

/** Age at a date, as DICOM writes ages: years, below two years months, below two months days. */
export function formatAge(birthDate: string | null | undefined, at: Date): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(formatDicomDate(birthDate) ?? '');
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const birth = new Date(year, month - 1, day);
  const days = Math.floor((at.getTime() - birth.getTime()) / 86_400_000);
  if (days < 0) return undefined;
  const months = (at.getFullYear() - year) * 12 + (at.getMonth() - (month - 1)) - (at.getDate() < day ? 1 : 0);
  // Year 0000 and 1800 stand for unknown in many headers.
  if (months > yearsMax * 12) return undefined;
  if (months >= 24) return `${Math.floor(months / 12)} y`;
  return months >= 2 ? `${months} mo` : `${days} d`;
}

/** A DICOM date as a Date at local midnight, for ages at the time of the study. */
export function parseDicomDate(date: string | null | undefined): Date | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(formatDicomDate(date) ?? '');
  return match ? new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : undefined;
}
