import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError, type InstanceRow, missing, OpenInstance } from '#libs/archive';
import { Access } from '#libs/auth';
import { DataSource } from '#libs/database';
import { isUid, transferSyntaxOf } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { notAcceptable, searchOf } from '../../http/request.js';
import { sendStream } from '../../http/send-stream.js';
import { negotiateAccept, type Representation } from '../../wire/negotiate-accept.js';
import type { RequestedViewport } from '../../wire/parse-rendering.js';
import { WireError } from '../../wire/wire-error.js';
import { ReadBulkData } from '../bulkdata/read-bulk-data.js';
import { AnswerInstances } from '../instances/answer-instances.js';
import { type PresentationTarget, RenderPicture } from '../rendered/render-picture.js';
import { parseWadoUri, type WadoUriRequest } from './parse-wado-uri.js';

const encapsulatedPdf = '1.2.840.10008.5.1.4.1.1.104.1';

interface Form extends Representation {
  kind: 'dicom' | 'jpeg' | 'png' | 'document' | 'video';
}

/**
 * The URI service (PS3.18 9), known as WADO-URI: one instance, as DICOM or as something to look at. Its own address is
 * `/wado`; dicomweb-client puts the query behind that of the other services.
 */
@Controller(['wado', 'dicom-web'])
@Access('read')
export class WadoUriController {
  constructor(
    private readonly db: DataSource,
    private readonly openInstance: OpenInstance,
    private readonly answerInstances: AnswerInstances,
    private readonly renderPicture: RenderPicture,
    private readonly bulkData: ReadBulkData,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get()
  async retrieve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const asked = parseWadoUri(searchOf(request));
    const row = await this.find(asked);
    checkFrame(asked, row);
    const forms = formsOf(row, asked);
    // What the link says is what its author wants: a browser's own Accept field must not turn it into something else.
    const { contentType } = asked;
    const accept = contentType === undefined ? request.headers.accept : contentType;
    const chosen = negotiateAccept({ header: accept, query: undefined }, forms);
    if (chosen === undefined) throw notAcceptable(forms);
    switch (chosen.kind) {
      case 'dicom': {
        const syntax = asked.transferSyntaxUid === undefined ? '' : `; transfer-syntax=${asked.transferSyntaxUid}`;
        const acceptable = { header: `application/dicom${syntax}`, query: undefined };
        const { sopInstanceUid: name } = row;
        return this.answerInstances.answer(request, reply, [row], { isOne: true, name, acceptable });
      }
      case 'document':
        return this.sendValue(request, reply, row, { tagPath: '00420011', mediaType: chosen.mediaType });
      case 'video':
        return this.sendValue(request, reply, row, { tagPath: '7FE00010', mediaType: chosen.mediaType });
      default:
        return this.sendPicture(request, reply, row, asked, chosen.kind);
    }
  }

  /** By its own UID: those of study and series are often left out, or those of before a merge. */
  private async find(asked: WadoUriRequest): Promise<InstanceRow> {
    const { sopInstanceUid, studyInstanceUid = '', seriesInstanceUid = '' } = asked;
    const row = await this.openInstance.findAnywhere(sopInstanceUid);
    if (row !== undefined) return row;
    if (isUid(studyInstanceUid) && isUid(seriesInstanceUid)) {
      return missing(this.db, { studyInstanceUid, seriesInstanceUid, sopInstanceUid });
    }
    throw new ArchiveError('instance-not-found', `There is no instance ${sopInstanceUid}`);
  }

  private async sendPicture(
    request: FastifyRequest,
    reply: FastifyReply,
    row: InstanceRow,
    asked: WadoUriRequest,
    format: 'jpeg' | 'png',
  ): Promise<void> {
    const { window, quality, frameNumber, annotation } = asked;
    const presentation = await this.findPresentation(asked, row);
    const viewport = viewportOf(asked, row);
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = row;
    const picture = {
      target: { studyInstanceUid, seriesInstanceUid, sopInstanceUid },
      format,
      isThumbnail: false,
      ...(window && { window }),
      ...(quality !== undefined && { quality }),
      ...(frameNumber !== undefined && { frameNumber }),
      ...(viewport && { viewport }),
      ...(annotation && { annotation }),
      ...(presentation && { presentation }),
      row,
    };
    await this.renderPicture.render(picture, async ({ etag, bytes }) => {
      const caching = { etag, vary: 'accept', 'cache-control': revalidate };
      if (answeredNotModified(request, reply, caching)) return;
      void reply.headers({ ...caching, 'content-type': `image/${format}` }).send(await bytes());
    });
  }

  /** In the image's own study: what lies elsewhere is about other images. */
  private async findPresentation(
    { presentationUid, presentationSeriesUid }: WadoUriRequest,
    { studyInstanceUid }: InstanceRow,
  ): Promise<PresentationTarget | undefined> {
    if (presentationUid === undefined) return undefined;
    const state = await this.openInstance.findAnywhere(presentationUid);
    const isHere =
      state?.studyInstanceUid === studyInstanceUid &&
      (presentationSeriesUid === undefined || presentationSeriesUid === state.seriesInstanceUid);
    if (!isHere) {
      throw new ArchiveError('instance-not-found', `There is no presentation state ${presentationUid} in that study`);
    }
    const { seriesInstanceUid, sopInstanceUid } = state;
    return { studyInstanceUid, seriesInstanceUid, sopInstanceUid };
  }

  /** A document or video as it is in the instance. */
  private async sendValue(
    request: FastifyRequest,
    reply: FastifyReply,
    row: InstanceRow,
    { tagPath, mediaType }: { tagPath: string; mediaType: string },
  ): Promise<void> {
    const { length, open, openRange } = await this.bulkData.open(row, tagPath);
    const etag = `"u-${row.sha256.toString('base64url')}-${tagPath}"`;
    const caching = { etag, vary: 'accept', 'cache-control': revalidate };
    if (answeredNotModified(request, reply, caching)) return;
    const headers = { ...caching, 'content-type': mediaType };
    await sendStream(request, reply, { headers, length, open, openRange }, this.logger);
  }
}

/**
 * What the instance can be had as, its default first: a single image, or one frame, is a picture; all else is DICOM, as
 * it was before there were rendered videos and documents, and as viewers that ask for no type still expect.
 */
function formsOf(row: InstanceRow, { frameNumber }: WadoUriRequest): Form[] {
  const video = transferSyntaxOf(row.transferSyntaxUid).mediaType;
  const pictures: Form[] = [
    { kind: 'jpeg', mediaType: 'image/jpeg', isMultipart: false },
    { kind: 'png', mediaType: 'image/png', isMultipart: false },
  ];
  const dicom: Form = { kind: 'dicom', mediaType: 'application/dicom', isMultipart: false };
  if (row.sopClassUid === encapsulatedPdf) {
    return [dicom, { kind: 'document', mediaType: 'application/pdf', isMultipart: false }];
  }
  if (video.startsWith('video/')) return [dicom, { kind: 'video', mediaType: video, isMultipart: false }, ...pictures];
  const isOnePicture = row.frameKind !== 'none' && (frameNumber !== undefined || (row.numberOfFrames ?? 1) === 1);
  return isOnePicture ? [...pictures, dicom] : [dicom, ...pictures];
}

/** @throws WireError as PS3.18 9.5.2.1 says, 400 */
function checkFrame({ frameNumber }: WadoUriRequest, { numberOfFrames, frameKind }: InstanceRow): void {
  if (frameNumber === undefined) return;
  const frames = frameKind === 'none' ? 0 : (numberOfFrames ?? 1);
  if (frameNumber <= frames) return;
  throw new WireError(`The instance has ${frames} frames, and frame ${frameNumber} was asked for.`);
}

const sidePixelsMax = 8192;

/** @throws HttpProblem 406 for a region of what has no rows and columns */
function viewportOf({ rows, columns, region }: WadoUriRequest, row: InstanceRow): RequestedViewport | undefined {
  // A side that was not named is as long as the other one makes it.
  const asked = { width: columns ?? sidePixelsMax, height: rows ?? sidePixelsMax };
  const isSized = rows !== undefined || columns !== undefined;
  if (region === undefined) return isSized ? asked : undefined;
  if (row.rows === null || row.columns === null) {
    throw new HttpProblem(406, 'Not Acceptable', 'The instance is no image that one could show a region of.');
  }
  const [left, top, right, bottom] = region;
  const source = {
    x: Math.floor(left * row.columns),
    y: Math.floor(top * row.rows),
    width: Math.max(1, Math.round((right - left) * row.columns)),
    height: Math.max(1, Math.round((bottom - top) * row.rows)),
  };
  const own = { width: Math.min(source.width, sidePixelsMax), height: Math.min(source.height, sidePixelsMax) };
  return { ...(isSized ? asked : own), source };
}
