import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type InstanceMetadata, OpenInstance, ReadMetadata, type ResourceUids } from '#libs/archive';
import { Access } from '#libs/auth';
import { type DicomJson, toNativeDicomXml } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { chooseRepresentation, dicomwebUrlOf } from '../../http/request.js';
import { compressed, sendStream } from '../../http/send-stream.js';
import { instanceUids, studyUids, type Target } from '../../http/target.js';
import { openStream } from '../../wire/open-stream.js';
import { lastingOffers } from '../../wire/negotiate-accept.js';
import { chooseCoding } from '../../wire/request-fields.js';
import { type Part, randomBoundary, writeMultipart } from '../../wire/write-multipart.js';
import { SingleFlightCache } from '../single-flight-cache.js';
import { presentMetadata } from './present-metadata.js';

/** Raised when metadata of the same instance is presented in another way: what clients keep is then out of date. */
const presentationVersion = 2;

/** XML is made of data sets that are parsed, here and now: of what would take long to parse there is JSON only. */
const xmlSourceBytesMax = 8 * 1024 * 1024;

/** Answers as they went out, by their entity tags: viewers of a team open the same series. */
const keptBytesMax = 32 * 1024 * 1024;
/** Of one answer: a larger one takes long to send, however it is made. */
const keptAnswerBytesMax = 8 * 1024 * 1024;

/** What is asked for, and what tells it from what it was before. */
interface Resource {
  uids: ResourceUids;
  version: string;
  instances: () => AsyncIterable<InstanceMetadata>;
}

/** WADO-RS metadata (PS3.18 10.4.1.1.2) of a study, series or instance. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class MetadataController {
  private readonly kept = new SingleFlightCache<Buffer>(keptBytesMax, (body) => body.length);

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
    await this.answer(request, reply, { uids, version, instances: () => this.readMetadata.stream(uids) });
  }

  @Get('series/:series/instances/:instance/metadata')
  async ofInstance(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const uids = instanceUids(target);
    const { sha256, transferSyntaxUid } = await this.openInstance.find(uids);
    const { readMetadata } = this;
    const instances = async function* () {
      yield { text: await readMetadata.ofInstance(uids), transferSyntaxUid };
    };
    await this.answer(request, reply, { uids, version: sha256.toString('base64url'), instances });
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { uids, version, instances }: Resource,
  ): Promise<void> {
    const isOne = uids.sopInstanceUid !== undefined;
    const chosen = chooseRepresentation(request, isOne ? formsOfOne : formsOfMany);
    const coding = chooseCoding(request.headers['accept-encoding']);
    const dicomwebUrl = dicomwebUrlOf(request);
    // The addresses in it are those by which this client sees the server.
    const digest = hash('sha256', `${version} ${dicomwebUrl} ${chosen.mediaType}`, 'base64url');
    const caching = {
      // Parts are kept apart by something else each time.
      etag: `${chosen.isMultipart ? 'W/' : ''}"m${presentationVersion}-${digest.slice(0, 27)}${coding ? `-${coding}` : ''}"`,
      vary: 'accept, accept-encoding',
      'cache-control': revalidate,
    };
    if (answeredNotModified(request, reply, caching)) return;
    const isXml = chosen.mediaType === xml.mediaType;
    if (isXml) await this.refuseLarge(uids);
    const kept = isXml ? undefined : this.kept.find(caching.etag);
    const texts = presented(instances(), dicomwebUrl);
    const boundary = chosen.isMultipart ? randomBoundary() : '';
    const openXml = async (): Promise<Readable> => {
      if (!chosen.isMultipart) return openStream(xmlDocuments(texts));
      return (await writeMultipart(xml.mediaType, xmlPartsOf(texts), boundary)).body;
    };
    const contentType = chosen.isMultipart
      ? `multipart/related; type="${xml.mediaType}"; boundary=${boundary}`
      : chosen.mediaType;
    const headers = { ...caching, 'content-type': contentType, ...(coding && { 'content-encoding': coding }) };
    const open = async (): Promise<Readable | Buffer> => {
      if (kept !== undefined) return kept;
      const source = isXml ? await openXml() : await openStream(jsonArray(texts));
      const coded = coding === undefined ? source : compressed(source, coding);
      return isXml ? coded : openStream(this.keeping(caching.etag, coded));
    };
    await sendStream(request, reply, { headers, length: kept?.length, open }, this.logger);
  }

  /** Goes out as it comes, and is kept when it was whole. */
  private async *keeping(etag: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes <= keptAnswerBytesMax) chunks.push(chunk);
      else chunks = [];
      yield chunk;
    }
    if (bytes <= keptAnswerBytesMax) this.kept.keep(etag, Buffer.concat(chunks));
  }

  private async refuseLarge(uids: ResourceUids): Promise<void> {
    const bytes = await this.readMetadata.longest(uids);
    if (bytes <= xmlSourceBytesMax) return;
    const detail = `Metadata of ${bytes} bytes is given as application/dicom+json only; as XML, up to ${xmlSourceBytesMax} an instance.`;
    throw new HttpProblem(406, 'Not Acceptable', detail, { possible: [json[0].mediaType] });
  }
}

const json = [
  { mediaType: 'application/dicom+json', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
] as const;
const xml = { mediaType: 'application/dicom+xml', isMultipart: false } as const;
const xmlParts = { ...xml, isMultipart: true } as const;
const formsOfOne = lastingOffers([...json, xmlParts, xml]);
const formsOfMany = lastingOffers([...json, xmlParts]);

async function* presented(instances: AsyncIterable<InstanceMetadata>, dicomwebUrl: string): AsyncGenerator<string> {
  for await (const { text, transferSyntaxUid } of instances)
    yield presentMetadata(text, { dicomwebUrl, transferSyntaxUid });
}

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

const toXml = (dataSet: string) => Buffer.from(toNativeDicomXml(JSON.parse(dataSet) as DicomJson));

async function* xmlDocuments(dataSets: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const dataSet of dataSets) yield toXml(dataSet);
}

async function* xmlPartsOf(dataSets: AsyncIterable<string>): AsyncGenerator<Part> {
  for await (const dataSet of dataSets) yield { contentType: xml.mediaType, body: toXml(dataSet) };
}
