const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');
/** Of one part: a frame, or an instance of one frame. Bytes. */
const partBytesMax = 1024 ** 3;

/**
 * The bodies of the parts of a multipart message (RFC 2046 5.1.1), in order, each as soon as it is there; one at a time is held, and
 * its memory is that of the next.
 * @param contentType of the whole, which names the boundary
 * @throws Error that says what is missing: the boundary, a part's head, or the end of the message
 */
export async function* readParts(
  message: AsyncIterable<Uint8Array>,
  contentType: string,
): AsyncGenerator<Buffer, void> {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw new Error(`No boundary in ${contentType || 'an answer without a Content-Type'}`);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const held = new HeldBytes();
  // A delimiter begins a line, and nothing need be before the first one.
  held.add(lineEnd);
  let [parts, isInPart, isOver] = [-1, false, false];

  /** @returns the body of a part that is whole; true where there may be another behind what was read; false where more is needed. */
  const next = (): Buffer | boolean => {
    if (isInPart) {
      const bytes = held.to(headEnd, 0);
      // The one after the last has no head, and says so.
      if (held.startsWith('--')) isOver = true;
      if (isOver || bytes === undefined) return false;
      held.skip(bytes.length + headEnd.length);
      isInPart = false;
    }
    const body = held.to(delimiter);
    if (body === undefined) return false;
    const isPart = parts >= 0;
    held.skip(body.length + delimiter.length);
    parts += 1;
    isInPart = true;
    return isPart ? body : true;
  };
  for await (const chunk of message) {
    if (isOver) continue;
    held.add(chunk);
    for (let found = next(); found !== false; found = next()) if (found !== true) yield found;
    if (held.length > partBytesMax) throw new Error(`Part ${parts + 1} has more than ${partBytesMax} bytes`);
  }
  if (parts === -1) throw new Error('The message has no part');
  if (!isOver) throw new Error(`The message ends within part ${parts + 1}`);
}

/** What was read and not used, in one piece; looked through once. */
class HeldBytes {
  private bytes = Buffer.allocUnsafe(256 * 1024);
  private start = 0;
  private end = 0;
  /** Before this nothing was found, from {@link start} on. */
  private looked = 0;

  get length(): number {
    return this.end - this.start;
  }

  add(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) {
      const needed = this.length + chunk.length;
      const room = 2 * needed > this.bytes.length ? Buffer.allocUnsafe(2 * needed) : this.bytes;
      this.bytes.copy(room, 0, this.start, this.end);
      [this.bytes, this.end, this.start] = [room, this.length, 0];
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** The bytes before `mark`, good until the next call; undefined where it is not there. @param from to look from; usually on from where one stopped */
  to(mark: Buffer, from = this.looked): Buffer | undefined {
    const held = this.bytes.subarray(this.start, this.end);
    const at = held.indexOf(mark, from);
    this.looked = at === -1 ? Math.max(0, held.length - mark.length + 1) : 0;
    return at === -1 ? undefined : held.subarray(0, at);
  }

  skip(bytes: number): void {
    this.start += bytes;
    this.looked = 0;
  }

  startsWith(text: string): boolean {
    return this.bytes.toString('latin1', this.start, Math.min(this.end, this.start + text.length)) === text;
  }
}
