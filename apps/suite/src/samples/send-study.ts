import { createHash } from 'node:crypto';
import { type DicomJson, jsonItems, jsonNumber, jsonText } from '#libs/dicom';

/**
 * What a request to store may hold. A sample study fits into one: made slowly and sent in pieces, it could look complete
 * in between, and be analysed twice.
 */
const defaultLimits = { instancesMax: 200, bytesMax: 128 * 2 ** 20 };

export interface Destination {
  /** The DICOMweb root, without `/studies`. */
  dicomwebUrl: string;
  headers: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

export interface Sent {
  instances: number;
  bytes: number;
}

/**
 * Sends a study as any modality would: over STOW-RS (PS3.18 10.5), as many instances a request as the limits let
 * it hold; an instance larger than that goes by itself.
 *
 * @param name for error messages
 * @throws Error which says the instances that failed and the reason that the archive gave
 */
export async function sendStudy(
  name: string,
  instances: AsyncIterable<Buffer>,
  destination: Destination,
  { instancesMax, bytesMax } = defaultLimits,
): Promise<Sent> {
  const sent: Sent = { instances: 0, bytes: 0 };
  let batch: Buffer[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const first = sent.instances + 1;
    const what = `sample ${name}, instances ${first} to ${sent.instances + batch.length}`;
    await store(what, batch, destination);
    sent.instances += batch.length;
    sent.bytes += bytesOf(batch);
    batch = [];
  };
  for await (const instance of instances) {
    if (batch.length === instancesMax || bytesOf(batch) + instance.length > bytesMax) await flush();
    batch.push(instance);
  }
  await flush();
  return sent;
}

function bytesOf(batch: readonly Buffer[]): number {
  return batch.reduce((sum, instance) => sum + instance.length, 0);
}

async function store(what: string, batch: readonly Buffer[], destination: Destination): Promise<void> {
  const url = `${destination.dicomwebUrl.replace(/\/$/, '')}/studies`;
  const boundary = boundaryOf(batch);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        ...destination.headers,
        accept: 'application/dicom+json',
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      },
      body: multipart(batch, boundary),
      ...(destination.signal && { signal: destination.signal }),
    });
    text = await response.text();
  } catch (error) {
    throw new Error(`${what}: no answer from ${url}: ${reasonOf(error)}`, { cause: error });
  }
  // 200: all stored; 202 and 409: some or all were not, and the answer says which (PS3.18 table 10.5.3-1).
  if (![200, 202, 409].includes(response.status)) {
    throw new Error(`${what}: ${url} answered ${response.status}: ${text.slice(0, 500)}`);
  }
  const answer = parseAnswer(what, url, text);
  const failures = jsonItems(answer, '00081198').map(describeFailure);
  if (failures.length > 0) {
    throw new Error(`${what}: ${url} answered ${response.status} and refused ${failures.slice(0, 5).join('; ')}`);
  }
  const stored = jsonItems(answer, '00081199').length;
  if (stored !== batch.length) {
    throw new Error(
      `${what}: ${url} answered ${response.status} and names ${stored} stored instances of ${batch.length}`,
    );
  }
}

/** A line that no part holds by chance: made from the parts, so that a request is the same bytes each time too. */
function boundaryOf(batch: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const instance of batch) hash.update(instance);
  return `isocenter-${hash.digest('hex').slice(0, 40)}`;
}

function multipart(batch: readonly Buffer[], boundary: string): Buffer<ArrayBuffer> {
  const header = Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
  const end = Buffer.from('\r\n');
  return Buffer.concat([...batch.flatMap((instance) => [header, instance, end]), Buffer.from(`--${boundary}--\r\n`)]);
}

function parseAnswer(what: string, url: string, text: string): DicomJson {
  try {
    const parsed: unknown = JSON.parse(text);
    const answer: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    if (typeof answer === 'object' && answer !== null) return answer as DicomJson;
  } catch (error) {
    throw new Error(`${what}: ${url} did not answer in DICOM JSON: ${text.slice(0, 200)}`, { cause: error });
  }
  throw new Error(`${what}: ${url} did not answer in DICOM JSON: ${text.slice(0, 200)}`);
}

function describeFailure(item: DicomJson): string {
  const reason = jsonNumber(item, '00081197');
  const code =
    reason === undefined ? 'no reason given' : `reason 0x${reason.toString(16).toUpperCase().padStart(4, '0')}`;
  return `${jsonText(item, '00081155') ?? 'an instance it does not name'} (${code})`;
}

/** What fetch throws says little; its cause says it. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Partial<Error>;
  const because = (cause as Partial<Error> | undefined)?.message;
  return [message ?? String(error), because].filter((part) => part !== undefined && part !== '').join(': ');
}
