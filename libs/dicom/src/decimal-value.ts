const decimalPattern = /^[+-]?(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,4}))?$/;
/** Decimal digits that every double tells apart and gives back (IEEE 754). */
const exactDigits = 15;

/**
 * A DS or IS as a number where a double gives back all its digits, else as the text it is (PS3.18 F.2.3 allows both).
 * @param text trimmed @returns null for an empty one
 */
export function decimalValue(text: string): number | string | null {
  if (text === '') return null;
  const match = decimalPattern.exec(text);
  if (match === null) return text;
  const [, whole = '', fraction = '', onlyFraction = ''] = match;
  const digits = (whole + fraction + onlyFraction).replace(/^0+/, '');
  const value = Number(text);
  // Infinity and values that have shrunk to nothing are not what was written.
  const isExact = digits.length <= exactDigits || digits.replace(/0+$/, '').length <= exactDigits;
  if (!isExact || !Number.isFinite(value) || (value === 0 && digits !== '')) return text;
  // JSON has no minus zero worth keeping.
  return value === 0 ? 0 : value;
}
