export { ImageError, type ImageErrorCode } from './image-error.js';
export {
  describeSamples,
  type FrameDescription,
  type LookupTable,
  type SampleShape,
  type VoiWindow,
  type WindowFunction,
} from './frame-description.js';
export type { Picture, PixelArray, Pixels } from './pixels.js';
export type { DocumentOptions, PictureFormat, RenderOptions, Viewport, WaveformOptions } from './render-options.js';
export { bulkDataForColor, bulkDataForRendering, type BulkData, type BulkDataReference } from './bulk-data.js';
export { describeFrame, describePixels, pixelAttributes } from './describe-frame.js';
export { decodeFrame } from './decode-frame.js';
export { toNativeBytes } from './native-bytes.js';
export { toModalityValues } from './modality-values.js';
export { toPicture } from './picture.js';
export { renderFrame } from './render-frame.js';
export { commonWindow, renderTiledLevel, type Tile, type TiledLevelOptions } from './render-tiled-level.js';
export { MemoryPool } from './memory-pool.js';
export { tilePosition, type TilePosition } from './tile-position.js';
export { renderDocument } from './document/render-document.js';
export { renderWaveform } from './waveform/render-waveform.js';
export { libjpegTurbo } from './libjpeg-turbo.js';
export { ImageService, type ImageServiceOptions } from './image-service.js';
export { type Annotation, type AnnotationKind, annotationOf } from './annotation.js';
export { type ColorOptions, type ColorSpace, readIccProfile } from './color/icc-profile.js';
export { srgbInputProfile } from './color/srgb-input-profile.js';
export { type Overlay, readOverlays } from './presentation/overlay.js';
export type { Presentation } from './presentation/presentation.js';
export type { Blend, BlendLayer } from './presentation/blend.js';
export { areParallel, type Plane, placementOf, planeAttributes, readPlane, sharesOf } from './presentation/plane.js';
export { type AppliedBlending, applyBlending, blendedSets, type BlendedSet } from './presentation/read-blending.js';
export {
  type AppliedPresentation,
  applyPresentation,
  blendingState,
  otherPresentationStates,
  type PresentedImage,
  presentationStateSopClasses,
  type PresentedReference,
  presentedImages,
} from './presentation/read-presentation.js';
export type { TranscodedFrame } from './image-request.js';
export { transcodeFrame } from './transcode-frame.js';
export { isEncodable, jpegBaseline, losslessSyntaxes } from './encode-frame.js';
export { isDecodable, rleLossless } from './transfer-syntax.js';
export { encodeRle } from './encode-rle.js';
