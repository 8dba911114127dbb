/** A colour space as three primaries (XYZ, adapted to D50) and one gamma for all of them. */
interface MatrixSpace {
  name: string;
  red: [number, number, number];
  green: [number, number, number];
  blue: [number, number, number];
  gamma: number;
}

/** IEC 61966-2-5 (opRGB, known as Adobe RGB (1998)), and ISO 22028-2 (ROMM RGB). */
export const matrixSpaces: Readonly<Record<'adobergb' | 'rommrgb', MatrixSpace>> = {
  adobergb: {
    name: 'opRGB, compatible with Adobe RGB (1998)',
    red: [0.60974, 0.31111, 0.01947],
    green: [0.20528, 0.62567, 0.06087],
    blue: [0.14919, 0.06322, 0.74457],
    gamma: 563 / 256,
  },
  rommrgb: {
    name: 'ROMM RGB',
    red: [0.7976749, 0.2880402, 0],
    green: [0.1351917, 0.7118741, 0],
    blue: [0.0313534, 0.0000857, 0.82521],
    gamma: 1.8,
  },
};

/** An ICC profile (ICC.1:2001, version 2.4) of a space. */
export function makeProfile({ name, red, green, blue, gamma }: MatrixSpace): Buffer {
  const tags: [string, Buffer][] = [
    ['desc', description(name)],
    ['cprt', tag('text', Buffer.from('No copyright, use freely\0', 'latin1'))],
    ['wtpt', xyz([0.9642, 1, 0.8249])],
    ['rXYZ', xyz(red)],
    ['gXYZ', xyz(green)],
    ['bXYZ', xyz(blue)],
    ['rTRC', curve(gamma)],
    ['gTRC', curve(gamma)],
    ['bTRC', curve(gamma)],
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length, 0);
  let offset = 128 + table.length;
  tags.forEach(([signature, { length }], i) => {
    table.write(signature, 4 + 12 * i, 'latin1');
    table.writeUInt32BE(offset, 8 + 12 * i);
    table.writeUInt32BE(length, 12 + 12 * i);
    offset += length;
  });
  return Buffer.concat([header(offset), table, ...tags.map(([, data]) => data)]);
}

function header(size: number): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt32BE(size, 0);
  bytes.writeUInt32BE(0x02400000, 8);
  bytes.write('mntrRGB XYZ ', 12, 'latin1');
  // 1 January 2000: profiles of one content are the same bytes.
  [2000, 1, 1, 0, 0, 0].forEach((value, i) => bytes.writeUInt16BE(value, 24 + 2 * i));
  bytes.write('acsp', 36, 'latin1');
  [0.9642, 1, 0.8249].forEach((value, i) => bytes.writeInt32BE(Math.round(value * 65536), 68 + 4 * i));
  return bytes;
}

function tag(type: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(8 + Math.ceil(content.length / 4) * 4);
  bytes.write(type, 0, 'latin1');
  content.copy(bytes, 8);
  return bytes;
}

function xyz(values: [number, number, number]): Buffer {
  const content = Buffer.alloc(12);
  values.forEach((value, i) => content.writeInt32BE(Math.round(value * 65536), 4 * i));
  return tag('XYZ ', content);
}

function curve(gamma: number): Buffer {
  const content = Buffer.alloc(6);
  content.writeUInt32BE(1, 0);
  content.writeUInt16BE(Math.round(gamma * 256), 4);
  return tag('curv', content);
}

function description(name: string): Buffer {
  const text = Buffer.from(`${name}\0`, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length, 0);
  // No Unicode and no ScriptCode name.
  return tag('desc', Buffer.concat([length, text, Buffer.alloc(4 + 4 + 2 + 1 + 67)]));
}
