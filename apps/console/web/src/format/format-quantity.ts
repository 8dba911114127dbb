/** UCUM codes people do not read as they are written. */
const unitNames: Record<string, string> = {
  '1': '',
  '{ratio}': '',
  '{score}': '',
  '{probability}': '',
  "[hnsf'U]": 'HU',
  '[hU]': 'HU',
  um: 'µm',
  um2: 'µm²',
  mm2: 'mm²',
  mm3: 'mm³',
  cm2: 'cm²',
  cm3: 'cm³',
  '{beats}/min': 'beats/min',
  '/min': '/min',
  '/mm2': '/mm²',
  Cel: '°C',
};

/** A UCUM unit for people; annotations in braces lose them. */
export function formatUnit(unit: string): string {
  return unitNames[unit] ?? unit.replace(/\{([^}]*)\}/g, '$1');
}

/** A value with at most four significant digits, never in exponents for the sizes medicine uses. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return 'no value';
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.0001 || size >= 1e9)) return value.toExponential(2);
  const decimals = size >= 1000 || size === 0 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(size)));
  return String(Number(value.toFixed(Math.min(decimals, 6))));
}

export function formatQuantity(value: number, unit: string): string {
  return `${formatValue(value)} ${formatUnit(unit)}`.trim();
}
