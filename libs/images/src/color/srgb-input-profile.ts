/**
 * An ICC input profile (ICC.1:2001-04, version 2.4, matrix and curves; PS3.3 C.11.15) that says an image's colours are sRGB's
 * (IEC 61966-2-1). About 2.5 KB, and the same bytes each time.
 */
export function srgbInputProfile(): Buffer {
  const curve = toneCurve();
  const tags: [string, Buffer][] = [
    ['desc', description('sRGB input')],
    ['cprt', Buffer.concat([signature('text'), Buffer.from('No copyright, use freely\0', 'latin1')])],
    // D50, and sRGB's primaries adapted to it (Bradford).
    ['wtpt', xyz(0.9642, 1, 0.8249)],
    ['rXYZ', xyz(0.43607, 0.22249, 0.01392)],
    ['gXYZ', xyz(0.38515, 0.71687, 0.09708)],
    ['bXYZ', xyz(0.14307, 0.06061, 0.7141)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length, 0);
  const blocks: Buffer[] = [];
  const places = new Map<Buffer, number>();
  let offset = 128 + table.length;
  tags.forEach(([name, bytes], index) => {
    let place = places.get(bytes);
    if (place === undefined) {
      place = offset;
      places.set(bytes, place);
      const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
      blocks.push(padded);
      offset += padded.length;
    }
    table.write(name, 4 + 12 * index, 'latin1');
    table.writeUInt32BE(place, 8 + 12 * index);
    table.writeUInt32BE(bytes.length, 12 + 12 * index);
  });
  return Buffer.concat([header(offset), table, ...blocks]);
}

function header(size: number): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt32BE(size, 0);
  bytes.writeUInt32BE(0x02400000, 8);
  bytes.write('scnrRGB XYZ ', 12, 'latin1');
  [2025, 1, 15, 0, 0, 0].forEach((value, index) => bytes.writeUInt16BE(value, 24 + 2 * index));
  bytes.write('acsp', 36, 'latin1');
  writeFixed(bytes, 68, 0.9642, 1, 0.8249);
  return bytes;
}

function signature(type: string): Buffer {
  return Buffer.from(`${type}\0\0\0\0`, 'latin1');
}

function description(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length + 1 + 8 + 3 + 67);
  bytes.writeUInt32BE(text.length + 1, 0);
  bytes.write(text, 4, 'latin1');
  return Buffer.concat([signature('desc'), bytes]);
}

function xyz(x: number, y: number, z: number): Buffer {
  const bytes = Buffer.alloc(12);
  writeFixed(bytes, 0, x, y, z);
  return Buffer.concat([signature('XYZ '), bytes]);
}

function writeFixed(bytes: Buffer, at: number, ...values: number[]): void {
  values.forEach((value, index) => bytes.writeInt32BE(Math.round(value * 65536), at + 4 * index));
}

function toneCurve(): Buffer {
  const points = 1024;
  const bytes = Buffer.alloc(4 + 2 * points);
  bytes.writeUInt32BE(points, 0);
  for (let index = 0; index < points; index++) {
    const value = index / (points - 1);
    const linear = value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    bytes.writeUInt16BE(Math.round(linear * 65535), 4 + 2 * index);
  }
  return Buffer.concat([signature('curv'), bytes]);
}
