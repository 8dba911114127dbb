import { setTimeout as sleep } from 'node:timers/promises';
import { api } from 'dicomweb-client';
import XMLHttpRequest from 'xhr2';
import type { DicomJson } from '#libs/dicom';

// dicomweb-client was written for browsers and asks for their request object by its global name.
(globalThis as Record<string, unknown>)['XMLHttpRequest'] ??= XMLHttpRequest;

const requestSecondsMax = 120;
const duplicateSopInstance = 0x0111;

export class ArchiveError extends Error {
  readonly code = 'archive-request-failed';
}

/** The archive as the inference worker sees it: any DICOMweb server, through dicomweb-client. */
export class ArchiveClient {
  private readonly client;

  /** @param url the DICOMweb root; @param signal ends every wait for an answer */
  constructor(
    private readonly url: string,
    token: string | undefined,
    private readonly signal: AbortSignal,
  ) {
    this.client = new api.DICOMwebClient({
      url,
      headers: {
        // Tells our own archive that this is a result, so that it is not routed again.
        'X-Isocenter-Origin': 'result',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
    });
  }

  studyMetadata(studyInstanceUID: string): Promise<DicomJson[]> {
    return this.ask('the metadata of the study', () =>
      this.client.retrieveStudyMetadata({ studyInstanceUID }),
    ) as Promise<DicomJson[]>;
  }

  /** @returns the frames as stored, in the order asked; @param frameNumbers from 1 */
  frames(instance: DicomJson, uids: InstanceUids, frameNumbers: number[]): Promise<ArrayBuffer[]> {
    return this.ask(`frames ${frameNumbers.join(',')} of ${uids.sopInstanceUID}`, () =>
      this.client.retrieveInstanceFrames({
        ...uids,
        frameNumbers,
        mediaTypes: [{ mediaType: 'application/octet-stream', transferSyntaxUID: '*' }],
      }),
    );
  }

  /** @param uri as the metadata gave it: absolute, or from the server's root */
  async bulkData(uri: string): Promise<ArrayBuffer> {
    const BulkDataURI = new URL(uri, this.url).href;
    const [value] = await this.ask(`bulk data ${uri}`, () => this.client.retrieveBulkData({ BulkDataURI }));
    if (value === undefined) throw new ArchiveError(`The archive gave no bytes for ${uri}`);
    return value;
  }

  /**
   * Stores one instance. The same SOP Instance UID stored before is success: an earlier attempt at this task got as far
   * as this.
   */
  async store(bytes: Buffer): Promise<void> {
    const dataset = new Uint8Array(bytes).buffer;
    try {
      refuseFailures(await this.client.storeInstances({ datasets: [dataset] }));
    } catch (error) {
      const { status, response } = error as { status?: number; response?: unknown };
      if (status !== 409) throw describe(error, 'storing the result');
      refuseFailures(response);
    }
  }

  private async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const over = new AbortController();
    const signal = AbortSignal.any([this.signal, over.signal]);
    try {
      const deadline = sleep(requestSecondsMax * 1000, undefined, { signal, ref: false }).then(() => {
        throw new ArchiveError(`The archive did not answer in ${requestSecondsMax} s: ${what}`);
      });
      return await Promise.race([request(), deadline]);
    } catch (error) {
      this.signal.throwIfAborted();
      throw describe(error, what);
    } finally {
      over.abort();
    }
  }
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
  return new ArchiveError(`The archive failed at ${what}: ${reason}`, { cause: error });
}

/** @param response a Store Instances Response (PS3.18 10.5.3), parsed or as text */
function refuseFailures(response: unknown): void {
  const dataset = (typeof response === 'string' ? JSON.parse(response) : response) as DicomJson | undefined;
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
