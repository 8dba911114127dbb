import type { DicomJson } from '#libs/dicom';
import type { AnimationFormat } from './animate.js';
import type { BulkData } from './bulk-data.js';
import type { FrameDescription } from './frame-description.js';
import type { Pixels } from './pixels.js';
import type { DocumentOptions, RenderOptions, WaveformOptions } from './render-options.js';
import type { Tile, TiledLevelOptions } from './render-tiled-level.js';

/** What ImageService asks of its processes, by kind. */
export type ImageRequest =
  | { kind: 'decode-frame'; bytes: Uint8Array; description: FrameDescription }
  | {
      kind: 'transcode-frame';
      bytes: Uint8Array;
      description: FrameDescription;
      transferSyntaxUid: string;
      isApart: boolean;
    }
  | { kind: 'render-frame'; bytes: Uint8Array; description: FrameDescription; options: RenderOptions }
  | { kind: 'render-tiled-level'; tiles: Tile[]; totalColumns: number; totalRows: number; options: TiledLevelOptions }
  | { kind: 'animate'; pictures: Uint8Array[]; delayMilliseconds: number; format: AnimationFormat; quality: number }
  | { kind: 'render-waveform'; dataset: DicomJson; options: WaveformOptions; bulkData: BulkData | undefined }
  | { kind: 'render-document'; bytes: Uint8Array; options: DocumentOptions };

interface ImageResponses {
  'decode-frame': Pixels;
  'transcode-frame': TranscodedFrame;
  'render-frame': Buffer;
  'render-tiled-level': Buffer;
  animate: Buffer;
  'render-waveform': Buffer;
  'render-document': Buffer;
}

export type ImageResponse<Kind extends ImageRequest['kind']> = ImageResponses[Kind];

/** A frame in another transfer syntax than it is stored in. */
export interface TranscodedFrame {
  bytes: Buffer;
  /** Of these bytes, where the codec made other colours of them: RGB of YBR_FULL_422, YBR_RCT of RGB. */
  photometricInterpretation: string;
}
