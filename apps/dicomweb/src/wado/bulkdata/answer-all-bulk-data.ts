import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError, type Frame, type InstanceRow, OpenInstance, ReadMetadata } from '#libs/archive';
import { explicitLittleEndian, transferSyntaxOf } from '#libs/dicom';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { acceptableOf, dicomwebUrlOf, notAcceptable, warningOf } from '../../http/request.js';
import { sendMultipart } from '../../http/send-stream.js';
import { instanceUids, studyUids, type Target } from '../../http/target.js';
import { negotiateAccept } from '../../wire/negotiate-accept.js';
import type { Part } from '../../wire/write-multipart.js';
import { FindFrames } from '../frames/find-frames.js';
import { contentTypeOf } from './bulk-data-forms.js';
import { ReadBulkData } from './read-bulk-data.js';

const octets = 'application/octet-stream';

/** Frames whose places are looked up at a time. */
const framesPerRead = 1000;

/** A part that is not open yet: finding out that there is one must leave nothing open. */
interface FoundPart {
  contentType: string;
  location: string;
  open: () => Promise<Readable>;
}

/** What is asked for of each instance. */
interface Selection {
  isPixelDataOnly: boolean;
}

/**
 * All bulk data, or all pixel data, of a study, series or instance: a part a value, each with the address that the
 * metadata gives it (PS3.18 10.4.3.3.5, 10.4.3.3.6); of compressed pixel data a part a frame, all with that address.
 */
@Injectable()
export class AnswerAllBulkData {
  constructor(
    private readonly openInstance: OpenInstance,
    private readonly readMetadata: ReadMetadata,
    private readonly bulkData: ReadBulkData,
    private readonly findFrames: FindFrames,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws ArchiveError as OpenInstance, and 'bulk-data-not-found' where there is none; HttpProblem 406 */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    target: Target,
    { isPixelDataOnly }: Selection,
  ): Promise<void> {
    const rows =
      target.instance === undefined
        ? await this.openInstance.list(studyUids(target))
        : [await this.openInstance.find(instanceUids(target))];
    const acceptable = this.acceptableSyntaxes(request, rows);
    const left = rows.filter((row) => !acceptable.has(pixelSyntaxOf(row)));
    const digest = createHash('sha256')
      .update([...acceptable].join())
      .update(`${isPixelDataOnly}`);
    for (const row of rows) digest.update(row.sha256);
    // Weak: the same values, but another boundary each time.
    const headers = { etag: `W/"a-${digest.digest('base64url')}"`, vary: 'accept', 'cache-control': revalidate };
    if (answeredNotModified(request, reply, headers)) return;
    const { isEmpty, found } = await peek(this.parts(rows, acceptable, dicomwebUrlOf(request), isPixelDataOnly));
    if (isEmpty) {
      const what = isPixelDataOnly ? 'pixel data' : 'bulk data';
      throw new ArchiveError('bulk-data-not-found', `There is no ${what} here.`);
    }
    const warning = `The pixel data of ${left.length} of ${rows.length} instances cannot be given in a transfer syntax that was asked for, and is left out`;
    await sendMultipart(
      request,
      reply,
      {
        headers: { ...headers, ...(left.length > 0 && { warning: warningOf(request, warning) }) },
        status: left.length > 0 ? 206 : 200,
        mediaType: octets,
        parts: () => opened(found),
      },
      this.logger,
    );
  }

  /** Of those in which the pixel data is, which the client takes. @throws HttpProblem 406 when none */
  private acceptableSyntaxes(request: FastifyRequest, rows: InstanceRow[]): Set<string> {
    const syntaxes = [...new Set(rows.map(pixelSyntaxOf))];
    const offers = syntaxes.map((transferSyntaxUid) => ({ mediaType: octets, isMultipart: true, transferSyntaxUid }));
    const accept = acceptableOf(request);
    const taken = offers.filter((offer) => negotiateAccept(accept, [offer]) !== undefined);
    if (taken.length === 0) throw notAcceptable(offers);
    return new Set(taken.map((offer) => offer.transferSyntaxUid));
  }

  private async *parts(
    rows: InstanceRow[],
    acceptable: ReadonlySet<string>,
    dicomwebUrl: string,
    isPixelDataOnly: boolean,
  ): AsyncGenerator<FoundPart> {
    for (const row of rows) {
      const base = `/studies/${row.studyInstanceUid}/series/${row.seriesInstanceUid}/instances/${row.sopInstanceUid}/bulkdata/`;
      for (const tagPath of tagPathsIn(await this.readMetadata.ofInstance(row))) {
        const isPixelData = pixelDataTags.has(tagPath);
        if ((isPixelDataOnly && !isPixelData) || (isPixelData && !acceptable.has(pixelSyntaxOf(row)))) continue;
        const contentType = contentTypeOf(octets, isPixelData ? pixelSyntaxOf(row) : undefined);
        const location = `${dicomwebUrl}${base}${tagPath}`;
        if (isPixelData && row.frameKind === 'encapsulated') {
          for await (const frame of this.frames(row)) yield { contentType, location, open: () => frame.open() };
        } else {
          const open = async () => (await this.bulkData.openValue(row, tagPath)).open();
          yield { contentType, location, open };
        }
      }
    }
  }

  private async *frames(row: InstanceRow): AsyncGenerator<Frame> {
    const count = row.numberOfFrames ?? 1;
    for (let first = 1; first <= count; first += framesPerRead) {
      const numbers = Array.from({ length: Math.min(framesPerRead, count - first + 1) }, (_, index) => first + index);
      const { frames } = await this.findFrames.open(row, numbers);
      yield* frames;
    }
  }
}

const pixelDataTags = new Set(['7FE00008', '7FE00009', '7FE00010']);

/** In what the pixel data is given: as it is compressed, else in little endian. */
function pixelSyntaxOf({ transferSyntaxUid }: InstanceRow): string {
  return transferSyntaxOf(transferSyntaxUid).encapsulated ? transferSyntaxUid : explicitLittleEndian;
}

/** The values that stored metadata gives by reference; quotes within values are escaped, so none is part of a text. */
function tagPathsIn(metadata: string): string[] {
  const found = metadata.matchAll(
    /"BulkDataURI":"\/dicom-web\/studies\/[\d.]+\/series\/[\d.]+\/instances\/[\d.]+\/bulkdata\/([0-9A-F/]+)"/g,
  );
  return [...found].map(([, tagPath]) => tagPath!);
}

async function* opened(found: AsyncIterable<FoundPart>): AsyncGenerator<Part> {
  for await (const { contentType, location, open } of found) yield { contentType, location, body: await open() };
}

/** Whether there is anything, found out before an answer begins. */
async function peek<T>(source: AsyncGenerator<T>): Promise<{ isEmpty: boolean; found: AsyncGenerator<T> }> {
  const first = await source.next();
  const found = async function* () {
    if (first.done !== true) yield first.value;
    yield* source;
  };
  return { isEmpty: first.done === true, found: found() };
}
