import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { api } from 'dicomweb-client';
import XMLHttpRequest from 'xhr2';
import type { DicomJson } from '#libs/dicom';
import { readParts } from './read-parts.js';

// dicomweb-client was written for browsers and asks for their request object by its global name.
(globalThis as Record<string, unknown>)['XMLHttpRequest'] ??= XMLHttpRequest;

const requestSecondsMax = 120;
const duplicateSopInstance = 0x0111;

export class ArchiveError extends Error {
  readonly code = 'archive-request-failed';

  /** @param status of its answer, where there was one */
  constructor(
    message: string,
    options?: ErrorOptions,
    readonly status?: number,
  ) {
    super(message, options);
  }
}

/**
 * The archive as the inference worker sees it: any DICOMweb server, through dicomweb-client. Frames, series and results are moved
 * without it: it looks for boundaries byte by byte, and holds what it sends.
 */
export class ArchiveClient {
  private readonly client;
  private readonly headers: Record<string, string>;

  /** @param url the DICOMweb root; @param signal ends every wait for an answer */
  constructor(
    private readonly url: string,
    token: string | undefined,
    private readonly signal: AbortSignal,
  ) {
    this.headers = {
      // Tells our own archive that this is a result, so that it is not routed again.
      'X-Isocenter-Origin': 'result',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    this.client = new api.DICOMwebClient({ url, headers: this.headers });
  }

  studyMetadata(studyInstanceUID: string): Promise<DicomJson[]> {
    return this.ask('the metadata of the study', () =>
      this.client.retrieveStudyMetadata({ studyInstanceUID }),
    ) as Promise<DicomJson[]>;
  }

  /** @returns the frames as stored, in the order asked; @param frameNumbers from 1 */
  frames(uids: InstanceUids, frameNumbers: number[]): Promise<Buffer[]> {
    const { studyInstanceUID, seriesInstanceUID, sopInstanceUID } = uids;
    const numbers = frameNumbers.join(',');
    const instance = `studies/${studyInstanceUID}/series/${seriesInstanceUID}/instances/${sopInstanceUID}`;
    return this.ask(`frames ${numbers} of ${sopInstanceUID}`, async (signal) => {
      const accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
      const frames: Buffer[] = [];
      for await (const frame of this.parts(`${instance}/frames/${numbers}`, accept, signal))
        frames.push(Buffer.from(frame));
      return frames;
    });
  }

  /**
   * The instances of a series as stored (Part 10), each as soon as it is there, in the archive's order; its memory is that of the next.
   * One that the archive cannot give so is left out.
   */
  async *series({ studyInstanceUID, seriesInstanceUID }: Omit<InstanceUids, 'sopInstanceUID'>): AsyncGenerator<Buffer> {
    const what = `the instances of series ${seriesInstanceUID}`;
    this.signal.throwIfAborted();
    const over = new AbortController();
    const late = new ArchiveError(`The archive sent nothing for ${requestSecondsMax} s: ${what}`);
    // However long the series is, it goes on.
    const timer = setTimeout(() => over.abort(late), requestSecondsMax * 1000);
    try {
      const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*';
      const signal = AbortSignal.any([this.signal, over.signal]);
      for await (const part of this.parts(`studies/${studyInstanceUID}/series/${seriesInstanceUID}`, accept, signal)) {
        timer.refresh();
        yield part;
      }
    } catch (error) {
      this.signal.throwIfAborted();
      over.signal.throwIfAborted();
      throw describe(error, what);
    } finally {
      clearTimeout(timer);
    }
  }

  private async *parts(resource: string, accept: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const response = await fetch(`${this.url}/${resource}`, { headers: { ...this.headers, accept }, signal });
    if (!response.ok || !response.body)
      throw Object.assign(new Error(await response.text()), { status: response.status });
    yield* readParts(response.body, response.headers.get('content-type') ?? '');
  }

  /** @param uri as the metadata gave it: absolute, or from the server's root */
  async bulkData(uri: string): Promise<ArrayBuffer> {
    const BulkDataURI = new URL(uri, this.url).href;
    const [value] = await this.ask(`bulk data ${uri}`, () => this.client.retrieveBulkData({ BulkDataURI }));
    if (value === undefined) throw new ArchiveError(`The archive gave no bytes for ${uri}`);
    return value;
  }

  /**
   * Stores instances in one request: all or none of them. The same SOP Instance UID stored before is success: an earlier attempt at
   * this task got as far as this.
   */
  async store(objects: readonly StoredObject[]): Promise<void> {
    const boundary = `isocenter-${randomUUID()}`;
    const response = await fetch(`${this.url}/studies`, {
      method: 'POST',
      headers: {
        ...this.headers,
        accept: 'application/dicom+json',
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      },
      body: ReadableStream.from(multipart(objects, boundary)),
      duplex: 'half',
      signal: this.signal,
    } as RequestInit).catch((error: unknown) => {
      this.signal.throwIfAborted();
      throw describe(error, 'storing the result');
    });
    const answer = await response.text();
    if (!response.ok && response.status !== 409) throw describe({ status: response.status }, 'storing the result');
    refuseFailures(answer);
  }

  private async ask<T>(what: string, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const over = new AbortController();
    const signal = AbortSignal.any([this.signal, over.signal]);
    try {
      const deadline = sleep(requestSecondsMax * 1000, undefined, { signal, ref: false }).then(() => {
        throw new ArchiveError(`The archive did not answer in ${requestSecondsMax} s: ${what}`);
      });
      return await Promise.race([request(signal), deadline]);
    } catch (error) {
      this.signal.throwIfAborted();
      throw describe(error, what);
    } finally {
      over.abort();
    }
  }
}

/** A Part 10 object: its bytes, or the file it lies in. */
export type StoredObject = { bytes: Uint8Array } | { file: string };

/** Files go by as they are read: a segmentation of a slide may be larger than memory. */
async function* multipart(objects: readonly StoredObject[], boundary: string): AsyncGenerator<Uint8Array> {
  for (const object of objects) {
    yield Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
    if ('bytes' in object) yield object.bytes;
    else yield* createReadStream(object.file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

export interface InstanceUids {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
}

/** dicomweb-client's errors say only "request failed"; the status tells more. */
function describe(error: unknown, what: string): Error {
  if (error instanceof ArchiveError) return error;
  const { status } = error as { status?: number };
  const reason = status === undefined ? String(error) : status === 0 ? 'it cannot be reached' : `status ${status}`;
  return new ArchiveError(`The archive failed at ${what}: ${reason}`, { cause: error }, status);
}

/** @param response a Store Instances Response (PS3.18 10.5.3) */
function refuseFailures(response: string): void {
  const dataset = (response === '' ? undefined : JSON.parse(response)) as DicomJson | undefined;
  const failures = [...(dataset?.['00081198']?.Value ?? []), ...(dataset?.['0008119A']?.Value ?? [])] as DicomJson[];
  for (const failure of failures) {
    const reason = Number(failure['00081197']?.Value?.[0]);
    if (reason !== duplicateSopInstance) {
      throw new ArchiveError(
        `The archive refused the result with failure reason 0x${reason.toString(16).padStart(4, '0')}`,
      );
    }
  }
}
