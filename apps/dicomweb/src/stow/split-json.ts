import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { WireError } from '../wire/wire-error.js';

const sliceBytes = 1024 * 1024;
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Where the datasets of a JSON text are: the members of its array, or the one object that it is (PS3.18 F.2). So that one
 * dataset at a time is made of a text that has thousands; whether each is JSON shows then. Others get their turn while a
 * long text is looked through.
 * @throws WireError for a text that is neither, or has no end
 */
export async function splitJson(text: Buffer): Promise<{ start: number; end: number }[]> {
  const first = skipBlanks(text, hasByteOrderMark(text) ? 3 : 0);
  const isArray = text[first] === openBracket;
  if (!isArray && text[first] !== openBrace) {
    throw new WireError('The metadata is no JSON array of datasets, nor one dataset');
  }
  const members: { start: number; end: number }[] = [];
  let depth = 0;
  let isInText = false;
  let start = -1;
  let end = -1;
  for (let at = first; at < text.length; at += 1) {
    if (at % sliceBytes === 0) await yieldToOthers();
    const byte = text[at]!;
    if (isInText) {
      if (byte === backslash) at += 1;
      else if (byte === quote) isInText = false;
      continue;
    }
    const outer = isArray ? 1 : 0;
    if (end >= 0) {
      if (!isBlank(byte)) throw new WireError(`The metadata goes on behind its end, at byte ${at}`);
    } else if (byte === openBrace || byte === openBracket) {
      if (depth === outer) start = at;
      depth += 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === outer) members.push({ start, end: at + 1 });
      if (depth === 0) end = at + 1;
    } else if (depth === 1 && isArray && byte !== comma && !isBlank(byte)) {
      throw new WireError(`The metadata has something else than a dataset in its array, at byte ${at}`);
    } else if (byte === quote) {
      isInText = true;
    }
  }
  if (end < 0) throw new WireError('The JSON of the metadata is cut off: it does not close what it opens');
  return members;
}

function hasByteOrderMark(text: Buffer): boolean {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf;
}

function skipBlanks(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text[at]!)) at += 1;
  return at;
}

const isBlank = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
