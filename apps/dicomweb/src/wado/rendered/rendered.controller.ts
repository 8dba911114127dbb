import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, immutable, revalidate } from '../../http/caching.js';
import { chooseRepresentation, searchOf } from '../../http/request.js';
import { sendMultipart } from '../../http/send-stream.js';
import { checkTarget, type Target } from '../../http/target.js';
import { parseFrameList } from '../../wire/parse-frame-list.js';
import { parseRendering } from '../../wire/parse-rendering.js';
import { type PictureRequest, RenderPicture } from './render-picture.js';

/** Pictures that one request may have made. */
const framesMax = 100;

type Place = Target & { frames?: string };

/** Rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4) of studies, series, instances and frames. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class RenderedController {
  constructor(
    private readonly renderPicture: RenderPicture,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get([
    'rendered',
    'series/:series/rendered',
    'series/:series/instances/:instance/rendered',
    'series/:series/instances/:instance/frames/:frames/rendered',
  ])
  rendered(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(place, request, reply, false);
  }

  @Get([
    'thumbnail',
    'series/:series/thumbnail',
    'series/:series/instances/:instance/thumbnail',
    'series/:series/instances/:instance/frames/:frames/thumbnail',
  ])
  thumbnail(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(place, request, reply, true);
  }

  private async answer(
    place: Place,
    request: FastifyRequest,
    reply: FastifyReply,
    isThumbnail: boolean,
  ): Promise<void> {
    checkTarget(place);
    const frameNumbers = place.frames === undefined ? [] : parseFrameList(place.frames, framesMax);
    const { mediaType, format, isMultipart } = chooseRepresentation(
      request,
      pictureRepresentations(frameNumbers.length),
    );
    const { study: studyInstanceUid, series: seriesInstanceUid, instance: sopInstanceUid } = place;
    const asked: PictureRequest = {
      ...parseRendering(searchOf(request)),
      target: {
        studyInstanceUid,
        ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
        ...(sopInstanceUid !== undefined && { sopInstanceUid }),
      },
      ...(frameNumbers.length > 0 && { frameNumber: Math.max(...frameNumbers) }),
      format,
      isThumbnail,
    };
    const caching = { vary: 'accept', 'cache-control': sopInstanceUid === undefined ? revalidate : immutable };
    if (isMultipart) return this.answerMany(request, reply, asked, frameNumbers, { mediaType, caching });
    await this.renderPicture.render(asked, async ({ etag, bytes }) => {
      if (answeredNotModified(request, reply, { ...caching, etag })) return;
      const picture = await bytes();
      void reply.headers({ ...caching, etag, 'content-type': mediaType }).send(picture);
    });
  }

  /** One part a frame, in the order asked for; without frames in the URL, one part. */
  private async answerMany(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: PictureRequest,
    frameNumbers: number[],
    { mediaType, caching }: { mediaType: string; caching: Record<string, string> },
  ): Promise<void> {
    // The highest frame decides whether all are there, before the first is promised.
    const highest = await this.renderPicture.render(asked, async ({ etag }) => etag);
    const digest = createHash('sha256').update(`${highest} ${frameNumbers.join()}`).digest('base64url').slice(0, 27);
    const headers = { ...caching, etag: `W/"r-${digest}"` };
    if (answeredNotModified(request, reply, headers)) return;
    const requests =
      frameNumbers.length === 0 ? [asked] : frameNumbers.map((frameNumber) => ({ ...asked, frameNumber }));
    const { renderPicture } = this;
    const parts = async function* () {
      for (const one of requests) {
        yield { contentType: mediaType, body: await renderPicture.render(one, ({ bytes }) => bytes()) };
      }
    };
    await sendMultipart(request, reply, { headers, mediaType, parts }, this.logger);
  }
}

const formats = [
  { mediaType: 'image/jpeg', format: 'jpeg' },
  { mediaType: 'image/png', format: 'png' },
] as const;

/** One picture comes as it is, or as the one part of many; several only as parts. */
function pictureRepresentations(frames: number) {
  const forms = frames > 1 ? [true] : [false, true];
  return forms.flatMap((isMultipart) => formats.map((format) => ({ ...format, isMultipart })));
}
