export interface ScaleBar {
  /** Screen pixels. */
  width: number;
  label: string;
}

/** A bar of a round length (1, 2 or 5 times a power of ten) that takes at most `widthMax` pixels. */
export function scaleBar(millimetresPerPixel: number, widthMax: number): ScaleBar | undefined {
  const longest = millimetresPerPixel * widthMax;
  if (!Number.isFinite(longest) || longest <= 0) return undefined;
  const power = 10 ** Math.floor(Math.log10(longest));
  const length = [5, 2, 1].map((step) => step * power).find((candidate) => candidate <= longest) ?? power;
  return { width: length / millimetresPerPixel, label: formatLength(length) };
}

/** A length in the unit that reads best. */
export function formatLength(millimetres: number): string {
  const trim = (value: number) => String(Number(value.toPrecision(3)));
  if (millimetres >= 10) return `${trim(millimetres / 10)} cm`;
  if (millimetres >= 1) return `${trim(millimetres)} mm`;
  return `${trim(millimetres * 1000)} µm`;
}
