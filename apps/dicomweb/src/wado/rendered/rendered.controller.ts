import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { answeredNotModified, immutable, revalidate } from '../../http/caching.js';
import { checkTarget } from '../../http/target.js';
import { chooseRepresentation, searchOf } from '../../http/request.js';
import { parseFrameList } from '../../wire/parse-frame-list.js';
import { parseRendering } from '../../wire/parse-rendering.js';
import { RenderPicture } from './render-picture.js';

interface Place {
  study: string;
  series?: string;
  instance?: string;
  frame?: string;
}

/** Rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4) of studies, series, instances and frames. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class RenderedController {
  constructor(private readonly renderPicture: RenderPicture) {}

  @Get([
    'rendered',
    'series/:series/rendered',
    'series/:series/instances/:instance/rendered',
    'series/:series/instances/:instance/frames/:frame/rendered',
  ])
  rendered(@Param() place: Place, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer(place, request, reply, false);
  }

  @Get([
    'thumbnail',
    'series/:series/thumbnail',
    'series/:series/instances/:instance/thumbnail',
    'series/:series/instances/:instance/frames/:frame/thumbnail',
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
    const { mediaType, format } = chooseRepresentation(request, pictureRepresentations);
    const frameNumber = place.frame === undefined ? undefined : parseFrameList(place.frame, 1)[0];
    const target = {
      studyInstanceUid: place.study,
      ...(place.series !== undefined && { seriesInstanceUid: place.series }),
      ...(place.instance !== undefined && { sopInstanceUid: place.instance }),
    };
    const asked = {
      ...parseRendering(searchOf(request)),
      target,
      format,
      isThumbnail,
      ...(frameNumber !== undefined && { frameNumber }),
    };
    await this.renderPicture.render(asked, async ({ etag, bytes }) => {
      const caching = { etag, vary: 'accept', 'cache-control': place.instance === undefined ? revalidate : immutable };
      if (answeredNotModified(request, reply, caching)) return;
      const picture = await bytes();
      void reply.headers({ ...caching, 'content-type': mediaType }).send(picture);
    });
  }
}

const pictureRepresentations = [
  { mediaType: 'image/jpeg', isMultipart: false, format: 'jpeg' },
  { mediaType: 'image/png', isMultipart: false, format: 'png' },
] as const;
