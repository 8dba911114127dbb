/**
 * A baseline JPEG (ISO 10918-1, process 1) whose every 8x8 block is one flat shade: small, written at once and
 * without a codec, and any decoder must read it. Three components are YBR_FULL, not subsampled.
 *
 * @param shade value 0-255 of a block, by component, block row and block column
 */
export function mosaicJpeg(
  rows: number,
  columns: number,
  components: 1 | 3,
  shade: (component: number, blockRow: number, blockColumn: number) => number,
): Buffer {
  const head: number[] = [0xff, 0xd8];
  const segment = (marker: number, bytes: number[]) =>
    head.push(0xff, marker, (bytes.length + 2) >> 8, (bytes.length + 2) & 255, ...bytes);
  // One quantisation table of eights: the DC coefficient of a flat block is 8 * (shade - 128), so it is stored as the
  // shade itself, exactly.
  segment(0xdb, [0, ...new Array<number>(64).fill(8)]);
  const ids = components === 1 ? [1] : [1, 2, 3];
  segment(0xc0, [
    8,
    rows >> 8,
    rows & 255,
    columns >> 8,
    columns & 255,
    components,
    ...ids.flatMap((id) => [id, 0x11, 0]),
  ]);
  // DC table: the twelve categories 0-11 all get 4-bit codes, code = category. AC table: end-of-block is the code 0.
  segment(0xc4, [0x00, 0, 0, 0, 12, ...new Array<number>(12).fill(0), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  segment(0xc4, [0x10, 1, ...new Array<number>(15).fill(0), 0]);
  segment(0xda, [components, ...ids.flatMap((id) => [id, 0x00]), 0, 63, 0]);

  const scan: number[] = [];
  let pending = 0;
  let pendingBits = 0;
  const put = (value: number, bits: number) => {
    for (let bit = bits - 1; bit >= 0; bit--) {
      pending = (pending << 1) | ((value >> bit) & 1);
      if (++pendingBits === 8) {
        scan.push(pending);
        if (pending === 0xff) scan.push(0);
        pending = 0;
        pendingBits = 0;
      }
    }
  };
  const previous = ids.map(() => 0);
  for (let blockRow = 0; blockRow * 8 < rows; blockRow++) {
    for (let blockColumn = 0; blockColumn * 8 < columns; blockColumn++) {
      for (let component = 0; component < components; component++) {
        const dc = Math.round(shade(component, blockRow, blockColumn)) - 128;
        const difference = dc - (previous[component] ?? 0);
        previous[component] = dc;
        const category = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
        put(category, 4);
        put(difference < 0 ? difference + (1 << category) - 1 : difference, category);
        put(0, 1); // end of block
      }
    }
  }
  while (pendingBits !== 0) put(1, 1);
  return Buffer.concat([Buffer.from(head), Buffer.from(scan), Buffer.from([0xff, 0xd9])]);
}
