const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');

/**
 * The bodies of the parts of a multipart message (RFC 2046 5.1.1), in order; views of `message`, nothing is copied.
 * @param contentType of the whole, which names the boundary
 * @throws Error that says what is missing: the boundary, a part's head, or the end of the message
 */
export function splitMultipart(message: Buffer, contentType: string): Buffer[] {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw new Error(`No boundary in ${contentType || 'an answer without a Content-Type'}`);
  const dash = Buffer.from(`--${boundary}`);
  // A delimiter begins a line, and nothing need be before the first one.
  const delimiter = Buffer.concat([lineEnd, dash]);
  let at = message.subarray(0, dash.length).equals(dash) ? 0 : message.indexOf(delimiter) + lineEnd.length;
  if (at === 1) throw new Error('The message has no part');
  const parts: Buffer[] = [];
  for (;;) {
    at += dash.length;
    if (message.subarray(at, at + 2).toString('latin1') === '--') return parts;
    const head = message.indexOf(headEnd, at);
    const end = message.indexOf(delimiter, head + headEnd.length);
    if (head === -1 || end === -1) throw new Error(`The message ends within part ${parts.length + 1}`);
    parts.push(message.subarray(head + headEnd.length, end));
    at = end + lineEnd.length;
  }
}
