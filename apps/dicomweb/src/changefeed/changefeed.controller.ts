import { Readable } from 'node:stream';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Change, ChangesTrimmedError, ReadChanges } from '#libs/archive';
import { Access } from '#libs/auth';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { dicomwebUrlOf, searchOf } from '../http/request.js';
import { sendStream } from '../http/send-stream.js';
import { AwaitChanges } from './await-changes.js';
import { type ChangeFeedQuery, parseChangeQuery } from './parse-change-query.js';
import { readMetadata, writeChange, writeChanges } from './write-changes.js';

const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/**
 * Every change of every instance, in order, each exactly once: for mirrors, indexes and whatever must follow the archive.
 * In the shape of microsoft/dicom-server's change feed, so that what reads that one reads this one.
 */
@Controller('dicom-web/changefeed')
@Access('read')
export class ChangefeedController {
  constructor(
    private readonly feed: ReadChanges,
    private readonly coming: AwaitChanges,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get()
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseChangeQuery(searchOf(request));
    const changes = await this.readOrWait(query, request);
    const open = async () => Readable.from(writeChanges(changes, this.feed, metadataUrl(query, request)));
    await sendStream(request, reply, { headers, open }, this.logger);
  }

  /** 204 while nothing has ever changed. */
  @Get('latest')
  async latest(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseChangeQuery(searchOf(request));
    const change = await this.feed.latest();
    if (change === undefined) return void reply.status(204).headers({ 'cache-control': 'no-store' }).send();
    const texts = await readMetadata([change], this.feed, metadataUrl(query, request));
    const entry = writeChange(change, texts.get(change.currentInstanceKey ?? -1));
    // Bytes, not text: for text Fastify adds a charset.
    await reply.headers(headers).send(Buffer.from(entry));
  }

  private async readOrWait(query: ChangeFeedQuery, request: FastifyRequest): Promise<Change[]> {
    const gone = new AbortController();
    const stop = () => gone.abort();
    request.raw.socket.once('close', stop);
    const deadline = AbortSignal.any([gone.signal, AbortSignal.timeout(query.waitSeconds * 1_000)]);
    try {
      for (;;) {
        const changes = await this.readNow(query);
        const isWaiting = changes.length === 0 && query.waitSeconds > 0 && !deadline.aborted && this.coming.hasRoom;
        if (!isWaiting) return changes;
        await this.coming.next(deadline);
      }
    } finally {
      request.raw.socket.removeListener('close', stop);
    }
  }

  private async readNow(query: ChangeFeedQuery): Promise<Change[]> {
    try {
      return await this.feed.read(query);
    } catch (error) {
      if (!(error instanceof ChangesTrimmedError)) throw error;
      throw new HttpProblem(410, 'Gone', error.message, { code: error.code, oldest: error.oldest });
    }
  }
}

/** The addresses in metadata are those by which this client sees the server. @returns undefined when it wants none */
function metadataUrl({ includesMetadata }: ChangeFeedQuery, request: FastifyRequest): string | undefined {
  return includesMetadata ? dicomwebUrlOf(request) : undefined;
}
