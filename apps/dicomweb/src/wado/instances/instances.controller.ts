import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type InstanceRow, OpenInstance } from '#libs/archive';
import { Access } from '#libs/auth';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, immutable, revalidate } from '../../http/caching.js';
import { chooseRepresentation } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { instanceUids, studyUids, type Target } from '../../http/target.js';
import type { Representation } from '../../wire/negotiate-accept.js';
import type { Part } from '../../wire/write-multipart.js';

/** WADO-RS retrieve (PS3.18 10.4.1.1.1): instances as they were stored, byte for byte. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class InstancesController {
  constructor(
    private readonly openInstance: OpenInstance,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get(['', 'series/:series'])
  async ofStudy(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const rows = await this.openInstance.list(studyUids(target));
    chooseRepresentation(request, [multipartOf(rows)]);
    const digest = createHash('sha256');
    for (const row of rows) digest.update(row.sha256);
    // Weak: the same instances, but another boundary each time.
    const etag = `W/"i-${digest.digest('base64url')}"`;
    await this.sendParts(request, reply, rows, { etag, vary: 'accept', 'cache-control': revalidate });
  }

  @Get('series/:series/instances/:instance')
  async ofInstance(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const row = await this.openInstance.find(instanceUids(target));
    const transferSyntaxUid = row.transferSyntaxUid;
    const chosen = chooseRepresentation(request, [
      multipartOf([row]),
      { mediaType: 'application/dicom', isMultipart: false, transferSyntaxUid },
    ]);
    const etag = `${chosen.isMultipart ? 'W/' : ''}"i-${row.sha256.toString('base64url')}"`;
    const caching = { etag, vary: 'accept', 'cache-control': immutable };
    if (chosen.isMultipart) return this.sendParts(request, reply, [row], caching);
    if (answeredNotModified(request, reply, caching)) return;
    const headers = { ...caching, 'content-type': contentTypeOf(row) };
    const open = () => this.openInstance.open(row);
    await sendStream(request, reply, { headers, length: row.length, open }, this.logger);
  }

  private async sendParts(
    request: FastifyRequest,
    reply: FastifyReply,
    rows: InstanceRow[],
    caching: { etag: string } & Record<string, string>,
  ): Promise<void> {
    if (answeredNotModified(request, reply, caching)) return;
    await sendMultipart(
      request,
      reply,
      { headers: caching, mediaType: 'application/dicom', parts: () => this.parts(rows) },
      this.logger,
    );
  }

  private async *parts(rows: InstanceRow[]): AsyncGenerator<Part> {
    for (const row of rows) yield { contentType: contentTypeOf(row), body: await this.openInstance.open(row) };
  }
}

const contentTypeOf = (row: InstanceRow) => `application/dicom; transfer-syntax=${row.transferSyntaxUid}`;

/** Instances of several transfer syntaxes can be had only by who takes any. */
function multipartOf(rows: readonly InstanceRow[]): Representation {
  const syntaxes = new Set(rows.map((row) => row.transferSyntaxUid));
  const [only] = syntaxes;
  return {
    mediaType: 'application/dicom',
    isMultipart: true,
    ...(syntaxes.size === 1 && only !== undefined && { transferSyntaxUid: only }),
  };
}
