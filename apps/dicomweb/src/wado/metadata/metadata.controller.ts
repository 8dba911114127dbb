import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OpenInstance, ReadMetadata } from '#libs/archive';
import { Access } from '#libs/auth';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { chooseRepresentation } from '../../http/request.js';
import { compressed, sendStream } from '../../http/send-stream.js';
import { instanceUids, studyUids, type Target } from '../../http/target.js';
import { openStream } from '../../wire/open-stream.js';
import { chooseCoding } from '../../wire/request-fields.js';

/** WADO-RS metadata (PS3.18 10.4.1.1.2) of a study, series or instance. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class MetadataController {
  constructor(
    private readonly openInstance: OpenInstance,
    private readonly readMetadata: ReadMetadata,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get(['metadata', 'series/:series/metadata'])
  async ofStudy(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const uids = studyUids(target);
    // Read before the data: an instance that arrives in between makes the tag too old, never too new.
    const version = await this.readMetadata.version(uids);
    await this.answer(request, reply, version, () => this.readMetadata.stream(uids));
  }

  @Get('series/:series/instances/:instance/metadata')
  async ofInstance(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const uids = instanceUids(target);
    const { sha256 } = await this.openInstance.find(uids);
    const readMetadata = this.readMetadata;
    await this.answer(request, reply, sha256.toString('base64url'), async function* () {
      yield await readMetadata.ofInstance(uids);
    });
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    version: string,
    dataSets: () => AsyncIterable<string>,
  ): Promise<void> {
    const { mediaType } = chooseRepresentation(request, metadataRepresentations);
    const coding = chooseCoding(request.headers['accept-encoding']);
    const caching = {
      etag: `"m-${version}${coding === undefined ? '' : `-${coding}`}"`,
      vary: 'accept, accept-encoding',
      'cache-control': revalidate,
    };
    if (answeredNotModified(request, reply, caching)) return;
    const headers = { ...caching, 'content-type': mediaType, ...(coding && { 'content-encoding': coding }) };
    const open = async () => {
      const body = await openStream(jsonArray(dataSets()));
      return coding === undefined ? body : compressed(body, coding);
    };
    await sendStream(request, reply, { headers, open }, this.logger);
  }
}

const metadataRepresentations = [
  { mediaType: 'application/dicom+json', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
];

/** One array of data sets (PS3.18 F.2.1), in chunks that are worth a write. */
async function* jsonArray(dataSets: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = '[';
  let separator = '';
  for await (const dataSet of dataSets) {
    text += separator + dataSet;
    separator = ',';
    if (text.length < 64 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(`${text}]`);
}
