const recordBytes = 16;
const startsFlag = 1;
const endsFlag = 2;

/**
 * What is learned of encapsulated pixel data while its fragments pass by: 16 bytes each, for a slide has hundreds of
 * thousands. Offsets are of the fragment's bytes, behind its item header, from the first byte of the object.
 */
export class FragmentList {
  count = 0;
  /** Basic Offset Table: u32 little endian each, from the first item behind the table. */
  basicOffsetTable: Buffer = Buffer.alloc(0);
  private records: Buffer = Buffer.alloc(64 * recordBytes);

  setOffsetTable(bytes: Buffer): void {
    this.basicOffsetTable = Buffer.from(bytes);
  }

  add(offset: number, length: number, start: Buffer): void {
    if ((this.count + 1) * recordBytes > this.records.length) {
      const larger = Buffer.alloc(this.records.length * 2);
      this.records.copy(larger);
      this.records = larger;
    }
    const at = this.count * recordBytes;
    this.records.writeUIntLE(offset, at, 6);
    this.records.writeUInt32LE(length, at + 8);
    this.records.writeUInt32LE(startsCodestream(start) ? startsFlag : 0, at + 12);
    this.count += 1;
  }

  /** @param end last bytes of the fragment added last */
  setEnd(end: Buffer): void {
    const at = (this.count - 1) * recordBytes + 12;
    if (endsCodestream(end)) this.records.writeUInt32LE(this.records.readUInt32LE(at) | endsFlag, at);
  }

  offset(index: number): number {
    return this.records.readUIntLE(index * recordBytes, 6);
  }

  length(index: number): number {
    return this.records.readUInt32LE(index * recordBytes + 8);
  }

  startsCodestream(index: number): boolean {
    return (this.records.readUInt32LE(index * recordBytes + 12) & startsFlag) !== 0;
  }

  endsCodestream(index: number): boolean {
    return (this.records.readUInt32LE(index * recordBytes + 12) & endsFlag) !== 0;
  }
}

/** SOI of JPEG and JPEG-LS (FFD8 FF), SOC and SIZ of JPEG 2000 and HTJ2K (FF4F FF51). */
function startsCodestream(start: Buffer): boolean {
  if (start.length < 4 || start[0] !== 0xff || start[2] !== 0xff) return false;
  return start[1] === 0xd8 || (start[1] === 0x4f && start[3] === 0x51);
}

/** FFD9 ends JPEG, JPEG-LS and JPEG 2000 codestreams; zeros or FF may pad the fragment behind it. */
function endsCodestream(end: Buffer): boolean {
  let last = end.length - 1;
  while (last > 0 && (end[last] === 0x00 || end[last] === 0xff)) last -= 1;
  return last > 0 && end[last] === 0xd9 && end[last - 1] === 0xff;
}
