import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type InstanceRow, OpenInstance, ReadMetadata } from '#libs/archive';
import { Access } from '#libs/auth';
import type { DicomJson } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { chooseRepresentation, searchOf, warningOf } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { checkTarget, instanceUids, studyUids, type Target } from '../../http/target.js';
import { lastingOffers } from '../../wire/negotiate-accept.js';
import { parseFrameList } from '../../wire/parse-frame-list.js';
import { parseRendering } from '../../wire/parse-rendering.js';
import type { Part } from '../../wire/write-multipart.js';
import { FindStoredMedia, type StoredMedia } from './find-stored-media.js';
import { waveformSopClasses } from './find-representatives.js';
import { type PictureRequest, RenderPicture } from './render-picture.js';
import { encapsulatedPdf } from './plan-picture.js';
import { isReport } from './report/read-report.js';
import { referencedUrls } from './report/referenced-urls.js';
import { writeReport } from './report/write-report.js';

/** Raised when pages of the same report change. */
const reportVersion = 1;

/** Pictures of frames that one request may have made. */
const framesMax = 100;

type Place = Target & { frames?: string };

/** Rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4) of studies, series, instances and frames. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class RenderedController {
  constructor(
    private readonly renderPicture: RenderPicture,
    private readonly openInstance: OpenInstance,
    private readonly storedMedia: FindStoredMedia,
    private readonly readMetadata: ReadMetadata,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get([
    'rendered',
    'series/:series/rendered',
    'series/:series/instances/:instance/rendered',
    'series/:series/instances/:instance/frames/:frames/rendered',
  ])
  async rendered(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkTarget(place);
    const instance = await this.find(place);
    if (instance !== undefined && place.frames === undefined) {
      const media = await this.storedMedia.find(instance);
      const hasPicture = instance.sopClassUid === encapsulatedPdf;
      if (media !== undefined && !(hasPicture && wantsPicture(request, media))) {
        return this.answerMedia(request, reply, media);
      }
      if (isReport(instance.sopClassUid)) return this.answerReport(request, reply, instance);
    }
    await this.answer(place, request, reply, { isThumbnail: false, instance });
  }

  @Get([
    'thumbnail',
    'series/:series/thumbnail',
    'series/:series/instances/:instance/thumbnail',
    'series/:series/instances/:instance/frames/:frames/thumbnail',
  ])
  async thumbnail(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkTarget(place);
    await this.answer(place, request, reply, { isThumbnail: true, instance: await this.find(place) });
  }

  /** @returns undefined where the URL names a series or study @throws ArchiveError 'instance-not-found', 'gone' */
  private async find(place: Place): Promise<InstanceRow | undefined> {
    return place.instance === undefined ? undefined : this.openInstance.find(instanceUids(place));
  }

  private async answer(
    place: Place,
    request: FastifyRequest,
    reply: FastifyReply,
    { isThumbnail, instance }: { isThumbnail: boolean; instance: InstanceRow | undefined },
  ): Promise<void> {
    const frameNumbers = place.frames === undefined ? [] : parseFrameList(place.frames, framesMax);
    const { ignored = [], ...rendering } = parseRendering(searchOf(request));
    const one = instance && waveformSopClasses.includes(instance.sopClassUid) ? oneWaveform : onePicture;
    const { mediaType, format, isMultipart } = chooseRepresentation(
      request,
      frameNumbers.length > 1 ? severalPictures : one,
    );
    const { study: studyInstanceUid, series: seriesInstanceUid, instance: sopInstanceUid } = place;
    const asked: PictureRequest = {
      ...rendering,
      target: {
        studyInstanceUid,
        ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
        ...(sopInstanceUid !== undefined && { sopInstanceUid }),
      },
      ...(frameNumbers.length > 0 && { frameNumber: Math.max(...frameNumbers) }),
      format,
      isThumbnail,
      ...(instance && { row: instance }),
    };
    const headers = {
      vary: 'accept',
      'cache-control': revalidate,
      ...(ignored.length > 0 && { warning: ignored.map((text) => warningOf(request, text)).join(', ') }),
    };
    const answer: PictureAnswer = { asked, mediaType, headers };
    if (!isMultipart) return this.answerOne(request, reply, answer);
    if (sopInstanceUid === undefined && !isThumbnail) return this.answerAll(request, reply, answer, place);
    await this.answerFrames(request, reply, answer, frameNumbers);
  }

  private async answerOne(
    request: FastifyRequest,
    reply: FastifyReply,
    { asked, mediaType, headers }: PictureAnswer,
  ): Promise<void> {
    await this.renderPicture.render(asked, async ({ etag, bytes }) => {
      const all = { ...headers, etag };
      if (answeredNotModified(request, reply, all)) return;
      const picture = await bytes();
      const typed = { ...all, 'content-type': mediaType };
      await sendStream(
        request,
        reply,
        { headers: typed, length: picture.length, open: async () => picture },
        this.logger,
      );
    });
  }

  /** One part a frame, in the order asked for; without frames in the URL, one part. */
  private async answerFrames(
    request: FastifyRequest,
    reply: FastifyReply,
    { asked, mediaType, headers }: PictureAnswer,
    frameNumbers: number[],
  ): Promise<void> {
    // The highest frame decides whether all are there, before the first is promised.
    const highest = await this.renderPicture.render(asked, async ({ etag }) => etag);
    const digest = createHash('sha256').update(`${highest} ${frameNumbers.join()}`).digest('base64url').slice(0, 27);
    const all = { ...headers, etag: `W/"r-${digest}"` };
    if (answeredNotModified(request, reply, all)) return;
    const requests =
      frameNumbers.length === 0 ? [asked] : frameNumbers.map((frameNumber) => ({ ...asked, frameNumber }));
    const { renderPicture } = this;
    const parts = async function* (): AsyncGenerator<Part> {
      for (const one of requests) {
        yield { contentType: mediaType, body: await renderPicture.render(one, ({ bytes }) => bytes()) };
      }
    };
    await sendMultipart(request, reply, { headers: all, mediaType, parts }, this.logger);
  }

  /** A series or study, one part for each of its instances that has a picture; the others are passed over. */
  private async answerAll(
    request: FastifyRequest,
    reply: FastifyReply,
    { asked, mediaType, headers }: PictureAnswer,
    place: Place,
  ): Promise<void> {
    const requests = await this.renderPicture.requestsForAll(asked);
    const { format, window, viewport, quality, annotation, iccProfile } = asked;
    const how = JSON.stringify([format, window, viewport, quality, annotation, iccProfile]);
    const version = `${await this.readMetadata.version(studyUids(place))} ${how}`;
    const digest = createHash('sha256').update(version).digest('base64url').slice(0, 27);
    const all = { ...headers, etag: `W/"r-${digest}"` };
    if (answeredNotModified(request, reply, all)) return;
    const { renderPicture, logger } = this;
    const parts = async function* (): AsyncGenerator<Part> {
      let firstProblem: HttpProblem | undefined;
      let count = 0;
      for (const one of requests) {
        try {
          yield { contentType: mediaType, body: await renderPicture.render(one, ({ bytes }) => bytes()) };
          count += 1;
        } catch (error) {
          if (!(error instanceof HttpProblem) || error.getStatus() !== 406) throw error;
          firstProblem ??= error;
          logger.info({ requestId: request.id, ...one.target, err: error }, 'an instance has no picture');
        }
      }
      if (count === 0 && firstProblem !== undefined) throw firstProblem;
    };
    await sendMultipart(request, reply, { headers: all, mediaType, parts }, this.logger);
  }

  /** A structured report as a page. */
  private async answerReport(request: FastifyRequest, reply: FastifyReply, instance: InstanceRow): Promise<void> {
    const mediaType = 'text/html';
    const { isMultipart } = chooseRepresentation(
      request,
      [false, true].map((form) => ({ mediaType, isMultipart: form })),
    );
    const etag = `"t-${reportVersion}-${isMultipart ? 'm-' : ''}${instance.sha256.toString('base64url')}"`;
    const headers = { etag, vary: 'accept', 'cache-control': revalidate };
    if (answeredNotModified(request, reply, headers)) return;
    const dataset = JSON.parse(await this.readMetadata.ofInstance(instance)) as DicomJson;
    const page = Buffer.from(writeReport(dataset, referencedUrls(dataset)));
    const contentType = `${mediaType}; charset=utf-8`;
    if (isMultipart) {
      const open = async () => Readable.from([page]);
      const parts = [{ contentType, length: page.length, open }];
      return sendMultipart(request, reply, { headers, mediaType, parts }, this.logger);
    }
    const typed = { ...headers, 'content-type': contentType };
    await sendStream(request, reply, { headers: typed, length: page.length, open: async () => page }, this.logger);
  }

  /** As it is stored: documents and videos are rendered by the program that opens them. */
  private async answerMedia(
    request: FastifyRequest,
    reply: FastifyReply,
    { instance, mediaType, length, open, openRange }: StoredMedia,
  ): Promise<void> {
    const forms = [false, true].map((isMultipart) => ({ mediaType, isMultipart }));
    const { isMultipart } = chooseRepresentation(request, forms);
    const etag = `"d-${isMultipart ? 'm-' : ''}${instance.sha256.toString('base64url')}"`;
    const headers = { etag, vary: 'accept', 'cache-control': revalidate };
    if (answeredNotModified(request, reply, headers)) return;
    if (!isMultipart) {
      const typed = { ...headers, 'content-type': mediaType };
      return sendStream(request, reply, { headers: typed, length, open, openRange }, this.logger);
    }
    const parts =
      length !== undefined
        ? [{ contentType: mediaType, length, open, openRange }]
        : async function* (): AsyncGenerator<Part> {
            yield { contentType: mediaType, body: await open() };
          };
    await sendMultipart(request, reply, { headers, mediaType, parts }, this.logger);
  }
}

/**
 * Of a document that can be had as a picture of its first page, too: whether the client rather has that.
 * @throws HttpProblem 406 when it takes neither
 */
function wantsPicture(request: FastifyRequest, { mediaType }: StoredMedia): boolean {
  const forms = [false, true].map((isMultipart) => ({ mediaType, isMultipart }));
  // Browsers that open a page take WebP rather than what they do not name: they are to have the document.
  const pictures = onePicture.filter(({ format }) => format === 'jpeg' || format === 'png');
  return chooseRepresentation(request, [...forms, ...pictures]).mediaType !== mediaType;
}

/** What the answer is made of, besides the request. */
interface PictureAnswer {
  asked: PictureRequest;
  mediaType: string;
  headers: Record<string, string>;
}

const formats = [
  { mediaType: 'image/jpeg', format: 'jpeg' },
  { mediaType: 'image/png', format: 'png' },
  { mediaType: 'image/gif', format: 'gif' },
  { mediaType: 'image/webp', format: 'webp' },
  { mediaType: 'image/jxl', format: 'jxl' },
] as const;

const inParts = formats.map((format) => ({ ...format, isMultipart: true }));
const severalPictures = lastingOffers(inParts);
/** It comes as it is, or as the one part of many. */
const onePicture = lastingOffers([...formats.map((format) => ({ ...format, isMultipart: false })), ...inParts]);
/** Lines on paper: also as lines. */
const oneWaveform = lastingOffers([
  ...onePicture,
  ...[false, true].map((isMultipart) => ({ mediaType: 'image/svg+xml', format: 'svg', isMultipart }) as const),
]);
