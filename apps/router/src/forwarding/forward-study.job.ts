import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource } from '#libs/database';
import { type DicomJson, jsonItems, jsonNumber, jsonText } from '#libs/dicom';
import { type Job, OnJob } from '#libs/jobs';
import { type Logger, LOGGER } from '#libs/telemetry';
import { type DestinationAccess, openDestination } from './destination.js';
import {
  beginForward,
  type ForwardedInstance,
  giveUpForward,
  instancesToForward,
  recordForwarded,
  saveProgress,
} from './forward-repository.js';
import { ForwardError, speakToDestination } from './speak-to-destination.js';

/** Of one STOW request: what was sent is recorded after each, so that an attempt that is cut off goes on from there. */
const instancesPerRequest = 100;
/** Contents under one SOP Instance UID that a destination gets from us, and suites in a row that a study passes. */
export const hopsMax = 3;

/** PS3.18 table I.2-1: what a full or busy archive says; anything else would be said again. */
const isPassing = (reason: number): boolean => (reason & 0xff00) === 0xa700;
/** "SOP Instance already there", with whatever content it has: theirs to decide (PS3.7 C.5.7). */
const duplicateInstance = 0x0111;

/** Sends instances to another archive: from our WADO-RS into its STOW-RS, byte for byte, none of them in memory. */
@Injectable()
export class ForwardStudyJob {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('forward-study')
  async handle({ payload: { forwardId }, signal }: Job<'forward-study'>): Promise<void> {
    const forward = await beginForward(this.dataSource, forwardId);
    if (forward === undefined) return;
    try {
      const destination = await openDestination(this.dataSource, forward.destination);
      if (destination === undefined) throw new ForwardError('The destination is no longer there.', true);
      if (!destination.isEnabled) throw new ForwardError('The destination is switched off.', true);
      const instances = await instancesToForward(this.dataSource, forward, hopsMax);
      const reasons = new Set<string>();
      for (let at = 0; at < instances.length; at += instancesPerRequest) {
        signal.throwIfAborted();
        const some = instances.slice(at, at + instancesPerRequest);
        const { stored, refused } = await this.send(destination, forward, some, signal);
        await recordForwarded(this.dataSource, destination.name, stored);
        for (const reason of refused.values()) reasons.add(reason);
        const isWanted = await saveProgress(this.dataSource, forwardId, { sent: stored.length, refused: refused.size });
        if (!isWanted) return;
      }
      const error = reasons.size === 0 ? null : `Some instances were refused: ${[...reasons].slice(0, 5).join('; ')}.`;
      const state = error === null ? 'sent' : 'failed';
      await saveProgress(this.dataSource, forwardId, { sent: 0, refused: 0, error, state });
    } catch (error) {
      signal.throwIfAborted();
      const isLasting = error instanceof ForwardError && error.isLasting;
      const text = error instanceof ForwardError ? error.message : 'Sending failed; the log has the details.';
      const state = isLasting ? 'failed' : undefined;
      await saveProgress(this.dataSource, forwardId, { sent: 0, refused: 0, error: text, ...(state && { state }) });
      if (!isLasting) throw error;
      this.logger.warn({ forwardId, destination: forward.destination, reason: text }, 'forwarding given up');
    }
  }

  @OnJob('forward-failed')
  async giveUp({ payload: { forwardId } }: Job<'forward-failed'>): Promise<void> {
    await giveUpForward(this.dataSource, forwardId);
  }

  private async send(
    destination: DestinationAccess,
    { studyInstanceUid, hops }: { studyInstanceUid: string; hops: number },
    instances: readonly ForwardedInstance[],
    signal: AbortSignal,
  ): Promise<{ stored: ForwardedInstance[]; refused: Map<string, string> }> {
    const boundary = `isocenter-${randomUUID()}`;
    const missing = new Set<string>();
    const { status, text } = await speakToDestination(
      destination,
      `/studies/${studyInstanceUid}`,
      {
        method: 'POST',
        headers: {
          'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
          accept: 'application/dicom+json',
          // Another suite that forwards knows by this how far the study has come.
          'x-isocenter-hops': String(hops + 1),
        },
        body: this.parts(studyInstanceUid, instances, boundary, missing, signal),
      },
      signal,
    );
    const sent = instances.filter(({ sopInstanceUid }) => !missing.has(sopInstanceUid));
    if (![200, 202, 409].includes(status)) {
      // Another size of request may be taken, other credentials may be given: trying again can help.
      throw new ForwardError(`It answered ${status} to STOW-RS.`);
    }
    return readStoreResponse(status, text, sent);
  }

  private async *parts(
    studyInstanceUid: string,
    instances: readonly ForwardedInstance[],
    boundary: string,
    missing: Set<string>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    for (const { seriesInstanceUid, sopInstanceUid } of instances) {
      const path = `/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
      const body = await this.openInstance(path, signal);
      // Deleted since: there is nothing to send.
      if (body === undefined) {
        missing.add(sopInstanceUid);
        continue;
      }
      yield Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
      yield* body;
      yield Buffer.from('\r\n');
    }
    yield Buffer.from(`--${boundary}--\r\n`);
  }

  private async openInstance(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { dicomwebUrl, apiToken } = this.config;
    if (dicomwebUrl === undefined) {
      throw new ForwardError('The router does not know the archive: set ISOCENTER_DICOMWEB_URL.');
    }
    const response = await fetch(`${dicomwebUrl}${path}`, {
      headers: {
        accept: 'application/dicom; transfer-syntax=*',
        ...(apiToken !== undefined && { authorization: `Bearer ${apiToken}` }),
      },
      signal,
    });
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      return undefined;
    }
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw new ForwardError(`Our own archive answered ${response.status} for an instance.`);
    }
    return Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  }
}

/** @throws ForwardError when a store response says that trying again can help, or nothing that can be understood */
function readStoreResponse(
  status: number,
  text: string,
  sent: readonly ForwardedInstance[],
): { stored: ForwardedInstance[]; refused: Map<string, string> } {
  const refused = new Map<string, string>();
  if (status === 200 && !text.trimStart().startsWith('{') && !text.trimStart().startsWith('[')) {
    return { stored: [...sent], refused };
  }
  let answer: DicomJson;
  try {
    const parsed = JSON.parse(text) as DicomJson | DicomJson[];
    answer = Array.isArray(parsed) ? (parsed[0] ?? {}) : parsed;
  } catch {
    throw new ForwardError(`It answered ${status} to STOW-RS, without a Store Instances Response in JSON.`);
  }
  for (const failure of jsonItems(answer, '00081198')) {
    const uid = jsonText(failure, '00081155');
    const reason = jsonNumber(failure, '00081197') ?? 0;
    if (reason === duplicateInstance) continue;
    const words = `failure reason ${reason.toString(16).toUpperCase().padStart(4, '0')}H`;
    if (isPassing(reason)) throw new ForwardError(`It is out of resources (${words}).`);
    if (uid !== undefined) refused.set(uid, words);
  }
  if (status === 409 && refused.size === 0 && jsonItems(answer, '00081198').length === 0) {
    throw new ForwardError('It answered 409 to STOW-RS and named no instance.');
  }
  return { stored: sent.filter(({ sopInstanceUid }) => !refused.has(sopInstanceUid)), refused };
}
