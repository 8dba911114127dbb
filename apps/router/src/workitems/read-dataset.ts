import type { Readable } from 'node:stream';
import { type DicomJson, readNativeDicomXml } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import type { FastifyRequest } from 'fastify';

const jsonTypes = ['application/dicom+json', 'application/json'];
const xmlTypes = ['application/dicom+xml', 'application/xml', 'text/xml'];
/** Sequences in sequences: no UPS needs more. */
const depthMax = 16;

/**
 * The dataset in the body of a request: DICOM JSON, as an object or as the array of one that PS3.18 F.2.1 has, or the
 * Native DICOM Model.
 * @param body as the server gives it: JSON parsed, anything else as a stream
 * @param bytesMax of a body that is not JSON; the server bounds JSON itself
 * @param isOptional an empty body is an empty dataset
 * @throws HttpProblem 400, 413 or 415
 */
export async function readDataset(
  request: FastifyRequest,
  body: unknown,
  bytesMax: number,
  { isOptional = false } = {},
): Promise<DicomJson> {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (isOptional && (body === undefined || body === null || mediaType === '')) return {};
  if (jsonTypes.includes(mediaType)) return readJson(body);
  if (!xmlTypes.includes(mediaType)) {
    throw new HttpProblem(
      415,
      'Unsupported Media Type',
      `A workitem is sent as ${jsonTypes[0]} or ${xmlTypes[0]}, not as "${mediaType.slice(0, 80)}".`,
    );
  }
  const text = await readText(body as Readable, bytesMax);
  if (isOptional && text.trim() === '') return {};
  try {
    return checkDataset(readNativeDicomXml(text, { charactersMax: bytesMax, depthMax }));
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw unreadable(`The body is no Native DICOM Model: ${(error as Error).message}`);
  }
}

function readJson(body: unknown): DicomJson {
  const dataset: unknown = Array.isArray(body) && body.length === 1 ? body[0] : body;
  if (typeof dataset !== 'object' || dataset === null || Array.isArray(dataset)) {
    throw unreadable('The body is one dataset in the DICOM JSON model: an object, or an array of one.');
  }
  return checkDataset(dataset);
}

async function readText(body: Readable, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new HttpProblem(413, 'Content Too Large', `A workitem may have ${bytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What came from outside, in the form all code here takes for granted. @throws HttpProblem 400 saying where it is not */
function checkDataset(dataset: object, place = '', depth = 1): DicomJson {
  if (depth > depthMax) throw unreadable(`${place} is nested deeper than ${depthMax} sequences.`);
  const checked: DicomJson = {};
  for (const [name, element] of Object.entries(dataset)) {
    const tag = name.toUpperCase();
    const at = `${place}${name.slice(0, 40)}`;
    if (!/^[0-9A-F]{8}$/.test(tag)) throw unreadable(`"${at}" is no tag of eight hexadecimal digits.`);
    if (typeof element !== 'object' || element === null || !/^[A-Z]{2}$/.test(String(element.vr))) {
      throw unreadable(`${at} has no "vr" of two letters.`);
    }
    const { vr, Value: values, InlineBinary, BulkDataURI } = element as DicomJson[string];
    if (values !== undefined && !Array.isArray(values)) throw unreadable(`The "Value" of ${at} is no array.`);
    for (const text of [InlineBinary, BulkDataURI]) {
      if (text !== undefined && typeof text !== 'string') throw unreadable(`${at} has a value that is no text.`);
    }
    checked[tag] = {
      vr,
      ...(values !== undefined &&
        values.length > 0 && {
          Value: values.map((value, index) => checkValue(value, vr, `${at}[${index + 1}]`, depth)),
        }),
      ...(InlineBinary !== undefined && { InlineBinary }),
      ...(BulkDataURI !== undefined && { BulkDataURI }),
    };
  }
  return checked;
}

function checkValue(value: unknown, vr: string, at: string, depth: number): unknown {
  if (vr === 'SQ') {
    if (value === null) return {};
    if (typeof value !== 'object' || Array.isArray(value)) throw unreadable(`Item ${at} is no dataset.`);
    return checkDataset(value, `${at}.`, depth + 1);
  }
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'string') return checkText(value, at);
  if (vr === 'PN' && typeof value === 'object' && !Array.isArray(value)) {
    const groups = Object.entries(value).filter(([group]) => ['Alphabetic', 'Ideographic', 'Phonetic'].includes(group));
    return Object.fromEntries(groups.map(([group, text]) => [group, checkText(text, at)]));
  }
  throw unreadable(`${at} has a value that its VR ${vr} does not allow.`);
}

/** PostgreSQL keeps no NUL and no half of a surrogate pair, and neither is a character of DICOM. */
function checkText(text: unknown, at: string): string {
  if (typeof text !== 'string') throw unreadable(`${at} has a value that is no text.`);
  if (text.includes('\0') || !text.isWellFormed()) throw unreadable(`${at} has a character that no text may have.`);
  return text;
}

function unreadable(detail: string): HttpProblem {
  return new HttpProblem(400, 'Not a dataset', detail);
}
