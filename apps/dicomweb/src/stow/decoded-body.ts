import { HttpProblem } from '#libs/server';
import { WireError } from '../wire/wire-error.js';

/**
 * A body that was sent in a Content-Encoding, as it is decoded, with a bound on what may come of it: a thousandth of that
 * was sent.
 * @throws HttpProblem 413; WireError for a body that is not in its encoding
 */
export async function* decodedBody(body: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        throw new HttpProblem(413, 'Too much', `The body decodes to more than ${bytesMax} bytes; send it in several.`);
      }
      yield chunk;
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!/^(Z_|ERR_BROTLI|ERR__ERROR)/.test(code)) throw error;
    throw new WireError(`The body is not what its Content-Encoding says: ${message}`);
  }
}
