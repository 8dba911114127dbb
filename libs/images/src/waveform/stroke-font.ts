/**
 * Letters as pen strokes, so that a picture looks the same on a machine without a single font installed.
 *
 * A glyph is drawn on a grid: x from 0 to 4, y from 0 (top of a capital) to 6 (the baseline) and 8 (below it). Each
 * group of digits is one stroke of the pen: pairs of x and y.
 */
const glyphs: Readonly<Record<string, string>> = {
  A: '062046 1434',
  B: '06003041423303 3344453606',
  C: '4130100105163645',
  D: '06002042442606',
  E: '40000646 0333',
  F: '400006 0333',
  G: '413010010516364543 4323',
  H: '0006 4046 0343',
  I: '1030 2026 1636',
  J: '4045361605',
  K: '0006 4003 1346',
  L: '000646',
  M: '0600234046',
  N: '06004640',
  O: '103041453616050110',
  P: '06003041423303',
  Q: '103041453616050110 3547',
  R: '06003041423303 2346',
  S: '413010010213334445361605',
  T: '0040 2026',
  U: '000516364540',
  V: '002640',
  W: '0016233640',
  X: '0046 4006',
  Y: '002340 2326',
  Z: '00400646',
  a: '12324346 4414051646',
  b: '0006 0312324345361605',
  c: '4332120305163645',
  d: '4046 4332120305163645',
  e: '044443321203051636',
  f: '41302016 1333',
  g: '42473818 4332120305163645',
  h: '0006 0312324346',
  i: '2226 2021',
  j: '22271807 2021',
  k: '0006 3204 1436',
  l: '202536',
  m: '0206 03122326 23324346',
  n: '0206 0312324346',
  o: '123243453616050312',
  p: '0208 0312324345361605',
  q: '4248 4332120305163645',
  r: '0206 04133243',
  s: '43321203143445361605',
  t: '20253645 0242',
  u: '0205163645 4246',
  v: '022642',
  w: '0216243642',
  x: '0246 4206',
  y: '0226 4208',
  z: '02420646',
  '0': '103041453616050110 2224',
  '1': '112026 1636',
  '2': '01103041420646',
  '3': '01103041423313 334445361605',
  '4': '36300444',
  '5': '400003334445361605',
  '6': '4130100105163645443304',
  '7': '004016',
  '8': '103041423313020110 1304051636454433',
  '9': '0516364541301001021342',
  '.': '2526',
  ',': '252617',
  ':': '2223 2526',
  ';': '2223 252617',
  '-': '1333',
  '+': '0343 2125',
  '/': '0640',
  '\\': '0046',
  '(': '30121436',
  ')': '10323416',
  '[': '30101636',
  ']': '10303616',
  '<': '400346',
  '>': '004306',
  '=': '0242 0444',
  '%': '0640 0010 3646',
  '*': '2125 0145 4105',
  '#': '1016 3036 0242 0444',
  _: '0747',
  "'": '2021',
  '"': '1011 3031',
  '!': '2023 2526',
  '?': '01103041422324 2526',
  '&': '461120310205163544',
  '^': '022042',
  '~': '0312233243',
  '|': '2026',
  $: '413010010213334445361605 2027',
  '`': '1021',
  '{': '302022132426 2636',
  '}': '102022332426 2616',
  '@': '34321214344441301001051636',
};

/** A box stands for a character that has no glyph. */
const missingGlyph = '0040460600';

/** Grid units from one letter to the next, and from the baseline to the top of a capital. */
const advance = 6;
const capHeight = 6;

/** How wide `text` comes out in letters of the given height. */
export function strokeTextWidth(text: string, height: number): number {
  return (Math.max(0, [...text].length * advance - 2) * height) / capHeight;
}

/**
 * The strokes of a line of text as the `d` of an SVG path.
 *
 * @param x, y Where the baseline begins.
 * @param height Of a capital letter.
 */
export function strokeText(text: string, x: number, y: number, height: number): string {
  const unit = height / capHeight;
  const strokes: string[] = [];
  [...text].forEach((character, i) => {
    if (character === ' ') return;
    // Accents are dropped rather than the letter under them.
    const plain = character.normalize('NFD')[0] as string;
    for (const stroke of (glyphs[plain] ?? missingGlyph).split(' ')) {
      const points: string[] = [];
      for (let at = 0; at < stroke.length; at += 2) {
        const px = x + (i * advance + Number(stroke[at])) * unit;
        const py = y + (Number(stroke[at + 1]) - capHeight) * unit;
        points.push(`${px.toFixed(2)} ${py.toFixed(2)}`);
      }
      strokes.push(`M${points.join('L')}`);
    }
  });
  return strokes.join('');
}
