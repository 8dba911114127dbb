import type { DicomJson } from '#libs/dicom';
import type { BulkData } from './bulk-data.js';
import type { FrameDescription } from './frame-description.js';
import type { Pixels } from './pixels.js';
import type { RenderOptions, WaveformOptions } from './render-options.js';
import type { Tile, TiledLevelOptions } from './render-tiled-level.js';

/** What ImageService asks of its processes, by kind. */
export type ImageRequest =
  | { kind: 'decode-frame'; bytes: Uint8Array; description: FrameDescription }
  | { kind: 'native-frame'; bytes: Uint8Array; description: FrameDescription }
  | { kind: 'render-frame'; bytes: Uint8Array; description: FrameDescription; options: RenderOptions }
  | { kind: 'render-tiled-level'; tiles: Tile[]; totalColumns: number; totalRows: number; options: TiledLevelOptions }
  | { kind: 'render-waveform'; dataset: DicomJson; options: WaveformOptions; bulkData: BulkData | undefined };

interface ImageResponses {
  'decode-frame': Pixels;
  'native-frame': NativeFrame;
  'render-frame': Buffer;
  'render-tiled-level': Buffer;
  'render-waveform': Buffer;
}

export type ImageResponse<Kind extends ImageRequest['kind']> = ImageResponses[Kind];

/** A frame in Explicit VR Little Endian. */
export interface NativeFrame {
  bytes: Buffer;
  /** Of these bytes: RGB where the dataset says YBR_*. */
  photometricInterpretation: string;
}
