import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { DataSource } from '#libs/database';
import { LOGGER, type Logger } from '#libs/telemetry';
import { checkTarget, notFound } from '../../http/check-uid.js';
import { chooseRepresentation } from '../../http/request.js';
import { gzipped, sendStream } from '../../http/send-stream.js';
import { openStream } from '../../wire/open-stream.js';
import { acceptsGzip, matchesEtag } from '../../wire/request-fields.js';
import { listMetadata, metadataVersion, type WadoTarget } from './list-metadata.js';

/** WADO-RS metadata (PS3.18 10.4.1.1.2) of a study, series or instance. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class MetadataController {
  constructor(
    private readonly db: DataSource,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get(['metadata', 'series/:series/metadata', 'series/:series/instances/:instance/metadata'])
  async metadata(
    @Param() target: WadoTarget,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    checkTarget(target);
    const { mediaType } = chooseRepresentation(request, metadataRepresentations);
    // Read before the data: an instance that arrives in between makes the tag too old, never too new.
    const version = await metadataVersion(this.db, target);
    if (version === undefined) throw notFound(target);
    const isGzipped = acceptsGzip(request.headers['accept-encoding']);
    const digest = createHash('sha256').update(version).digest('base64url').slice(0, 27);
    const etag = `"m-${digest}${isGzipped ? '-gzip' : ''}"`;
    const headers = { etag, vary: 'accept, accept-encoding', 'cache-control': 'private, no-cache' };
    if (matchesEtag(request.headers['if-none-match'], etag)) return void reply.status(304).headers(headers).send();
    const open = async () => {
      const body = await openStream(listMetadata(this.db, target));
      return isGzipped ? gzipped(body) : body;
    };
    const more = { 'content-type': mediaType, ...(isGzipped && { 'content-encoding': 'gzip' }) };
    await sendStream(request, reply, { headers: { ...headers, ...more }, open }, this.logger);
  }
}

const metadataRepresentations = [
  { mediaType: 'application/dicom+json', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
];
