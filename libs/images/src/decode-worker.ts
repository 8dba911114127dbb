import { serveWorker } from '#libs/workers';
import { animate } from './animate.js';
import { decodeFrame } from './decode-frame.js';
import { renderDocument } from './document/render-document.js';
import type { ImageRequest, ImageResponse } from './image-request.js';
import { renderFrame } from './render-frame.js';
import { renderTiledLevel } from './render-tiled-level.js';
import { transcodeFrame } from './transcode-frame.js';
import { renderWaveform } from './waveform/render-waveform.js';

/** What the process does in which ImageService decodes and renders. */
async function handle(request: ImageRequest): Promise<ImageResponse<ImageRequest['kind']>> {
  switch (request.kind) {
    case 'decode-frame':
      return decodeFrame(request.bytes, request.description);
    case 'transcode-frame':
      return transcodeFrame(request.bytes, request.description, request.transferSyntaxUid, request.isApart);
    case 'render-frame':
      return renderFrame(request.bytes, request.description, request.options);
    case 'render-tiled-level':
      return renderTiledLevel(request.tiles, request.totalColumns, request.totalRows, request.options);
    case 'animate':
      return animate(request.pictures, request.delayMilliseconds, request.format, request.quality);
    case 'render-waveform':
      return renderWaveform(request.dataset, request.options, request.bulkData);
    case 'render-document':
      return renderDocument(request.bytes, request.options);
  }
}

/** A frame and what was made of it. */
function spent(request: ImageRequest, response: ImageResponse<ImageRequest['kind']>): ArrayBufferView[] {
  const made = Buffer.isBuffer(response) ? response : 'data' in response ? response.data : response.bytes;
  return 'bytes' in request ? [request.bytes, made] : [made];
}

serveWorker(handle, { spent });
