import type { Charset } from './charsets.js';
import { isAscii } from './element-value.js';

/** A character set that text is also written in. */
export interface WritableCharset extends Charset {
  /** Where none is declared, nobody would know what other characters were to be. */
  beyondAscii: 'nothing' | 'single bytes' | 'utf-8';
}

/** Text in the instance's character set; undefined where we cannot write it. */
export function encodeText(text: string, charset: WritableCharset): Buffer | undefined {
  const plain = Buffer.from(text, 'utf8');
  const { beyondAscii } = charset;
  if (!isAscii(plain) && beyondAscii === 'nothing') return undefined;
  const bytes = isAscii(plain) || beyondAscii === 'utf-8' ? plain : inSingleBytes(text, charset);
  if (bytes === undefined) return undefined;
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(' ')]);
}

/** In a set of one byte a character, found by what it makes of its bytes; believed if it reads the same. */
function inSingleBytes(text: string, charset: Charset): Buffer | undefined {
  const codes = new Map<string, number>();
  for (let code = 0xff; code >= 0xa0; code -= 1) codes.set(charset.decode(Buffer.from([code])), code);
  const bytes = Array.from(text, (character) =>
    character.charCodeAt(0) < 0x80 ? character.charCodeAt(0) : (codes.get(character) ?? 0),
  );
  if (bytes.includes(0)) return undefined;
  const encoded = Buffer.from(bytes);
  return charset.decode(encoded) === text ? encoded : undefined;
}
