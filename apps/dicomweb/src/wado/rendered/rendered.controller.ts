import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { checkTarget } from '../../http/check-uid.js';
import { chooseRepresentation, searchOf } from '../../http/request.js';
import { parseFrameList } from '../../wire/parse-frame-list.js';
import { parseRendering } from '../../wire/parse-rendering.js';
import { matchesEtag } from '../../wire/request-fields.js';
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
      // An instance never changes; what stands for a series or study may, with the next instance that arrives.
      const caching = place.instance === undefined ? 'private, no-cache' : 'private, max-age=86400, immutable';
      if (matchesEtag(request.headers['if-none-match'], etag)) {
        return void reply
          .status(304)
          .header('etag', etag)
          .header('vary', 'accept')
          .header('cache-control', caching)
          .send();
      }
      const picture = await bytes();
      void reply
        .header('content-type', mediaType)
        .header('etag', etag)
        .header('vary', 'accept')
        .header('cache-control', caching)
        .send(picture);
    });
  }
}

const pictureRepresentations = [
  { mediaType: 'image/jpeg', isMultipart: false, format: 'jpeg' },
  { mediaType: 'image/png', isMultipart: false, format: 'png' },
] as const;
