/** Colours that are told apart easily, for labels that name none. */
const palette = [
  [230, 25, 75],
  [60, 180, 75],
  [255, 225, 25],
  [0, 130, 200],
  [245, 130, 48],
  [145, 30, 180],
  [70, 240, 240],
  [240, 50, 230],
  [210, 245, 60],
  [250, 190, 212],
  [0, 128, 128],
  [220, 190, 255],
  [170, 110, 40],
  [255, 250, 200],
  [128, 0, 0],
  [170, 255, 195],
  [128, 128, 0],
] as const;

export type Rgb = readonly [number, number, number];

export function colourOf(value: number, own: Rgb | undefined): Rgb {
  return own ?? palette[(value - 1 + palette.length) % palette.length]!;
}

/** sRGB to CIELab as DICOM writes it: three unsigned 16-bit numbers (PS3.3 C.10.7.1.1), white point D50. */
export function toCieLab(rgb: Rgb): [number, number, number] {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  // sRGB to XYZ, adapted to D50 (Bradford), over the white point.
  const x = (0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / 0.9642;
  const y = 0.2225045 * r + 0.7168786 * g + 0.0606169 * b;
  const z = (0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / 0.8251;
  const f = (value: number) => (value > 216 / 24389 ? Math.cbrt(value) : ((24389 / 27) * value + 16) / 116);
  const [l, a, bb] = [116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))];
  const scaled = (value: number, from: number, span: number) =>
    Math.min(65535, Math.max(0, Math.round(((value - from) / span) * 65535)));
  return [scaled(l, 0, 100), scaled(a, -128, 255), scaled(bb, -128, 255)];
}

/** From cold to hot: blue, green, yellow, red. @param share 0 to 1 @param into is written: pixels are many */
export function heatColour(share: number, into: [number, number, number]): void {
  const at = Math.min(1, Math.max(0, share)) * 3;
  into[0] = at < 1 ? 0 : at < 2 ? Math.round(255 * (at - 1)) : 255;
  into[1] = at < 1 ? Math.round(255 * at) : at < 2 ? 255 : Math.round(255 * (3 - at));
  into[2] = at < 1 ? Math.round(255 * (1 - at)) : 0;
}
