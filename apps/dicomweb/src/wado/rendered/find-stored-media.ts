import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { type InstanceRow, ReadMetadata } from '#libs/archive';
import { type DicomJson, jsonNumber, jsonText, transferSyntaxOf } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { openStream } from '../../wire/open-stream.js';
import { slice } from '../../wire/slice.js';
import { type BulkDataValue, ReadBulkData } from '../bulkdata/read-bulk-data.js';
import { videoContainer, videoStartBytes } from './video-container.js';

/** What people open with a program of their own as it is stored: a document, a model for printing, a video. */
export interface StoredMedia extends BulkDataValue {
  instance: InstanceRow;
  mediaType: string;
}

const documentTag = '00420011';
const pixelDataTag = '7FE00010';

/** PS3.3 A.45: encapsulated documents, and the media types that each may be of; the first when it does not say. */
const documentMediaTypes: Readonly<Record<string, readonly string[]>> = {
  '1.2.840.10008.5.1.4.1.1.104.1': ['application/pdf'],
  '1.2.840.10008.5.1.4.1.1.104.2': ['text/xml', 'application/hl7-v3+xml', 'application/xml'],
  '1.2.840.10008.5.1.4.1.1.104.3': ['model/stl', 'application/sla'],
  '1.2.840.10008.5.1.4.1.1.104.4': ['model/obj', 'application/x-tgif'],
  '1.2.840.10008.5.1.4.1.1.104.5': ['model/mtl'],
};

/** Documents and videos inside of instances (PS3.18 8.7.4: text, other, and video categories). */
@Injectable()
export class FindStoredMedia {
  constructor(
    private readonly readMetadata: ReadMetadata,
    private readonly bulkData: ReadBulkData,
  ) {}

  /**
   * @returns undefined for an instance that is neither document nor video
   * @throws HttpProblem 406 for a video that no player would play as it is
   */
  async find(instance: InstanceRow): Promise<StoredMedia | undefined> {
    const mediaTypes = documentMediaTypes[instance.sopClassUid];
    if (mediaTypes !== undefined) return this.document(instance, mediaTypes);
    if (transferSyntaxOf(instance.transferSyntaxUid).mediaType.startsWith('video/')) return this.video(instance);
    return undefined;
  }

  private async document(instance: InstanceRow, mediaTypes: readonly string[]): Promise<StoredMedia | undefined> {
    const dataset = JSON.parse(await this.readMetadata.ofInstance(instance)) as DicomJson;
    const element = dataset[documentTag];
    const said = jsonText(dataset, '00420012')?.toLowerCase();
    // Never another type than its class is for: a document called text/html would run its scripts in our name.
    const mediaType = mediaTypes.find((known) => known === said) ?? mediaTypes[0]!;
    // Shorter than the value by the byte that makes it even: XML is not well-formed with it.
    const documentLength = jsonNumber(dataset, '00420015');
    if (element?.InlineBinary !== undefined) {
      const bytes = Buffer.from(element.InlineBinary, 'base64');
      const openRange = async (start: number, length: number) =>
        Readable.from([bytes.subarray(start, start + length)], { objectMode: false });
      const value = { length: bytes.length, open: () => openRange(0, bytes.length), openRange };
      return { instance, mediaType, ...shortened(value, documentLength) };
    }
    if (element?.BulkDataURI === undefined) return undefined;
    const value = await this.bulkData.openValue(instance, documentTag);
    return { instance, mediaType, ...shortened(value, documentLength) };
  }

  private async video(instance: InstanceRow): Promise<StoredMedia> {
    const value = await this.bulkData.openValue(instance, pixelDataTag);
    const { length = videoStartBytes, open, openRange } = value;
    const bytes = Math.min(videoStartBytes, length);
    const start = await buffer(openRange === undefined ? slice(await open(), 0, bytes) : await openRange(0, bytes));
    const container = videoContainer(start);
    if (container === 'mp4') return { instance, mediaType: 'video/mp4', ...value };
    const isMpeg2 = transferSyntaxOf(instance.transferSyntaxUid).mediaType === 'video/mpeg';
    if (isMpeg2 && container !== 'unknown') return { instance, mediaType: 'video/mpeg', ...value };
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = instance;
    const place = `studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
    throw new HttpProblem(
      406,
      'Not Acceptable',
      `The video is ${containerNames[container]}, which browsers do not play. It can be had as it is stored: ` +
        `GET /dicom-web/${place}/bulkdata/${pixelDataTag} with Accept: application/octet-stream; transfer-syntax=*.`,
      { code: 'unsupported-container', possible: ['application/octet-stream; transfer-syntax=*'] },
    );
  }
}

const containerNames = {
  'mpeg-ts': 'an MPEG transport stream',
  'mpeg-ps': 'an MPEG program stream',
  mpeg2: 'an elementary stream of MPEG-2',
  'annex-b': 'an elementary stream without container',
  unknown: 'in no container that is known here',
};

/** The value without the padding behind it, where the dataset says how long it is. */
function shortened(value: BulkDataValue, length: number | undefined): BulkDataValue {
  const isPadded = length !== undefined && value.length !== undefined && length === value.length - 1;
  if (!isPadded) return value;
  const { open, openRange } = value;
  return {
    length,
    open: openRange ? () => openRange(0, length) : async () => openStream(slice(await open(), 0, length)),
    openRange,
  };
}
