import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type InstanceRow, OpenInstance } from '#libs/archive';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { notAcceptable, warningOf } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import type { Acceptable } from '../../wire/negotiate-accept.js';
import type { Part } from '../../wire/write-multipart.js';
import { TranscodeInstance } from '../transcoding/transcode-instance.js';
import { type ChosenForm, type ChosenInstance, chooseForms } from './instance-forms.js';
import { openAhead } from './open-ahead.js';
import { OpenChosenInstance } from './open-chosen-instance.js';
import { zipInstances } from './zip-instances.js';

/** Instances that are decoded or encoded while the one before them goes out. */
const madeAhead = 2;

/** What the answer is made of, besides the request. */
interface Answer {
  form: ChosenForm;
  acceptable: Acceptable;
  status: number;
  headers: { etag: string } & Record<string, string>;
}

/** How instances are asked for. */
export interface AskedInstances {
  /** One instance, rather than those of a series or study. */
  isOne: boolean;
  /** Of a zip file, without its ending. */
  name: string;
  acceptable: Acceptable;
}

/** Answers with instances, as DICOM or zip file. */
@Injectable()
export class AnswerInstances {
  constructor(
    private readonly openInstance: OpenInstance,
    private readonly transcode: TranscodeInstance,
    private readonly openChosen: OpenChosenInstance,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param rows not empty @throws HttpProblem 406; as OpenInstance */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    rows: InstanceRow[],
    { isOne, name, acceptable }: AskedInstances,
  ): Promise<void> {
    const { possible, chosen: form } = chooseForms(acceptable, rows, isOne, (row) => this.transcode.syntaxes(row));
    if (form === undefined) throw notAcceptable(possible);
    const headers = {
      etag: etagOf(form),
      vary: 'accept',
      'cache-control': revalidate,
    };
    if (answeredNotModified(request, reply, headers)) return;
    const left = form.leftOut.length;
    const warning = `${left} of ${rows.length} instances cannot be given in a transfer syntax that was asked for, and are left out`;
    const answer: Answer = {
      form,
      acceptable,
      status: left === 0 ? 200 : 206,
      headers: { ...headers, ...(left > 0 && { warning: warningOf(request, warning) }) },
    };
    if (form.isMultipart) return this.sendParts(request, reply, answer);
    if (form.mediaType === 'application/zip') return this.sendZip(request, reply, answer, name);
    return this.sendOne(request, reply, answer, form.instances[0]!);
  }

  private async sendOne(
    request: FastifyRequest,
    reply: FastifyReply,
    { form, acceptable, headers }: Answer,
    chosen: ChosenInstance,
  ): Promise<void> {
    const { row } = chosen;
    if (isStored(chosen)) {
      return sendStream(
        request,
        reply,
        {
          headers: { ...headers, 'content-type': contentTypeOf(row.transferSyntaxUid) },
          length: row.length,
          open: () => this.openInstance.open(row),
          openRange: (start, length) => this.openInstance.openRange(row, start, length),
          readInto: (start, target) => this.openInstance.readInto(row, start, target),
        },
        this.logger,
      );
    }
    // Made before anything is promised: what cannot be rewritten may have to be given as it is stored.
    const made = request.method === 'HEAD' ? undefined : await this.openChosen.open(acceptable, form, chosen);
    const contentType = contentTypeOf(made?.transferSyntaxUid ?? chosen.transferSyntaxUid);
    await sendStream(
      request,
      reply,
      {
        headers: { ...headers, 'content-type': contentType },
        length: made?.length,
        open: async () => made!.body,
      },
      this.logger,
    );
  }

  private async sendParts(
    request: FastifyRequest,
    reply: FastifyReply,
    { form, acceptable, status, headers }: Answer,
  ): Promise<void> {
    const { instances, mediaType } = form;
    const { openChosen, openInstance } = this;
    const stored = instances.every(isStored)
      ? instances.map(({ row }) => ({
          contentType: contentTypeOf(row.transferSyntaxUid),
          length: row.length,
          open: () => openInstance.open(row),
          openRange: (start: number, length: number) => openInstance.openRange(row, start, length),
          readInto: (start: number, target: Uint8Array) => openInstance.readInto(row, start, target),
        }))
      : undefined;
    const made = async function* (): AsyncGenerator<Part> {
      const open = (instance: ChosenInstance) => openChosen.open(acceptable, form, instance);
      for await (const { transferSyntaxUid, body } of openAhead(instances, madeAhead, open)) {
        yield { contentType: contentTypeOf(transferSyntaxUid), body };
      }
    };
    await sendMultipart(request, reply, { headers, status, mediaType, parts: stored ?? made }, this.logger);
  }

  private async sendZip(
    request: FastifyRequest,
    reply: FastifyReply,
    { form, acceptable, status, headers }: Answer,
    name: string,
  ): Promise<void> {
    const entries = form.instances.map((instance) => ({
      row: instance.row,
      ...(isStored(instance) && { length: instance.row.length }),
      open: async (): Promise<Readable> => (await this.openChosen.open(acceptable, form, instance)).body,
    }));
    const { body, length } = await zipInstances(request.method === 'HEAD' ? [] : entries);
    const disposition = { 'content-disposition': `attachment; filename="${name}.zip"` };
    await sendStream(
      request,
      reply,
      {
        headers: { ...headers, ...disposition, 'content-type': 'application/zip' },
        status,
        length: request.method === 'HEAD' ? undefined : length,
        open: async () => body,
      },
      this.logger,
    );
  }
}

const contentTypeOf = (transferSyntaxUid: string) => `application/dicom; transfer-syntax=${transferSyntaxUid}`;

const isStored = ({ row, transferSyntaxUid }: ChosenInstance) => transferSyntaxUid === row.transferSyntaxUid;

/**
 * Strong where the bytes are those that were stored. What is made on the way is the same instance each time, and not
 * for certain the same bytes with the next release.
 */
function etagOf({ mediaType, isMultipart, instances }: ChosenForm): string {
  const digest = createHash('sha256');
  for (const { row, transferSyntaxUid } of instances) digest.update(row.sha256).update(transferSyntaxUid);
  const kind = mediaType === 'application/zip' ? 'z' : isMultipart ? 'm' : 'i';
  const isWeak = mediaType === 'application/zip' || !instances.every(isStored);
  return `${isWeak ? 'W/' : ''}"${kind}-${digest.digest('base64url')}"`;
}
