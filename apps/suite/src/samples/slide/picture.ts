/** Red, green and blue, a byte each, row by row. */
export interface Picture {
  columns: number;
  rows: number;
  rgb: Uint8Array;
}

/** Half as wide and high: each pixel the mean of four. Sides must be even. */
export function halved({ columns, rows, rgb }: Picture): Picture {
  const small: Picture = { columns: columns / 2, rows: rows / 2, rgb: new Uint8Array(rgb.length / 4) };
  const line = columns * 3;
  for (let row = 0; row < small.rows; row++) {
    for (let column = 0; column < small.columns; column++) {
      const from = row * 2 * line + column * 6;
      const to = (row * small.columns + column) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const at = from + channel;
        const sum = (rgb[at] ?? 0) + (rgb[at + 3] ?? 0) + (rgb[at + line] ?? 0) + (rgb[at + line + 3] ?? 0);
        small.rgb[to + channel] = (sum + 2) >> 2;
      }
    }
  }
  return small;
}

/** A part of the picture; what lies beyond its edges is white. */
export function cropped(picture: Picture, left: number, top: number, columns: number, rows: number): Uint8Array {
  const part = new Uint8Array(columns * rows * 3).fill(255);
  const width = Math.min(columns, picture.columns - left) * 3;
  for (let row = 0; row < rows && top + row < picture.rows; row++) {
    const from = ((top + row) * picture.columns + left) * 3;
    part.set(picture.rgb.subarray(from, from + width), row * columns * 3);
  }
  return part;
}
