import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type IncomingPart, StoreInstances } from '#libs/archive';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { toNativeDicomXml } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { checkUid } from '../http/check-uid.js';
import { dicomwebUrlOf } from '../http/request.js';
import { negotiateAccept } from '../wire/negotiate-accept.js';
import { decodedBody } from './decoded-body.js';
import { requestBody } from './request-body.js';
import { noteHops } from './note-hops.js';
import { requestParts } from './request-parts.js';
import { stowResponse } from './stow-response.js';

/** STOW-RS (PS3.18 10.5). */
@Controller('dicom-web/studies')
@Access('write')
export class StowController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly instances: StoreInstances,
    private readonly dataSource: DataSource,
  ) {}

  @Post()
  store(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.storeParts(request, reply);
  }

  @Post(':study')
  async storeInStudy(
    @Param('study') study: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    checkUid(study, 'Study Instance UID');
    return this.storeParts(request, reply, study);
  }

  private async storeParts(request: FastifyRequest, reply: FastifyReply, studyInstanceUid?: string): Promise<void> {
    try {
      await this.answer(request, reply, studyInstanceUid);
    } finally {
      if (!request.raw.readableEnded) drain(request.raw);
    }
  }

  private async answer(request: FastifyRequest, reply: FastifyReply, studyInstanceUid?: string): Promise<void> {
    if (studyInstanceUid !== undefined) await noteHops(this.dataSource, request, studyInstanceUid);
    const parts = this.partsOf(request);
    const outcome = await this.instances.store(parts, {
      // A result of ours is stored like anything else, and not sent through the models again.
      origin: request.headers['x-isocenter-origin'] === 'result' ? 'isocenter' : 'sender',
      ...(studyInstanceUid !== undefined && { studyInstanceUid }),
    });
    if (outcome.stored.length === 0 && outcome.failed.length === 0) {
      throw new HttpProblem(400, 'Nothing to store', 'The body has no parts.');
    }
    const { status, dataset } = stowResponse(outcome, dicomwebUrlOf(request));
    const isXml = answerType(request) === 'application/dicom+xml';
    // Exactly this media type: clients compare it as text.
    void reply.status(status).header('content-type', isXml ? 'application/dicom+xml' : 'application/dicom+json');
    await reply.send(Buffer.from(isXml ? toNativeDicomXml(dataset) : JSON.stringify(dataset)));
  }

  private partsOf(request: FastifyRequest): AsyncIterable<IncomingPart> {
    const { limits, dataDir } = this.config;
    // Fastify has parsed JSON, and decoded a body that came in a Content-Encoding.
    const stream = request.body instanceof Readable ? request.body : request.raw;
    return requestParts(
      {
        contentType: request.headers['content-type'] ?? '',
        body:
          stream === request.raw
            ? requestBody(request.raw)
            : decodedBody(stream.iterator({ destroyOnReturn: false }), limits.stowDecodedBytesMax),
        json: request.body,
        baseUrl: `${dicomwebUrlOf(request)}/studies/`,
      },
      { limits, spoolFolder: path.join(dataDir, 'spool') },
    );
  }
}

const answerTypes = ['application/dicom+json', 'application/dicom+xml'].map((mediaType) => ({
  mediaType,
  isMultipart: false,
}));

/** What is stored cannot be taken back for want of an acceptable answer: JSON where the sender takes neither. */
function answerType(request: FastifyRequest): string | undefined {
  return negotiateAccept({ header: request.headers.accept, query: undefined }, answerTypes)?.mediaType;
}

const drainedBytesMax = 64 * 1024 ** 2;

/**
 * Senders read the answer when they have sent all: what is still under way is taken and forgotten, up to a limit, for a
 * connection that is cut in the middle of a request loses the answer, too.
 */
function drain(body: IncomingMessage): void {
  let bytes = 0;
  body.unpipe();
  body.on('error', () => undefined);
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > drainedBytesMax) body.destroy();
  });
  body.resume();
}
