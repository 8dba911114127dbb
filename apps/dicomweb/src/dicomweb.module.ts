import { Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ArchiveModule } from '#libs/archive';
import { CONFIG, type Config } from '#libs/config';
import { ImageService, libjpegTurbo } from '#libs/images';
import { mapErrorCodes } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { ChangefeedModule } from './changefeed/changefeed.module.js';
import { DeletionModule } from './deletion/deletion.module.js';
import { CapabilitiesController } from './capabilities/capabilities.controller.js';
import { DocumentationController } from './capabilities/documentation.controller.js';
import { QidoController } from './qido/qido.controller.js';
import { SearchDatabase } from './qido/search-database.js';
import { StowModule } from './stow/stow.module.js';
import { BulkdataController } from './wado/bulkdata/bulkdata.controller.js';
import { AnswerAllBulkData } from './wado/bulkdata/answer-all-bulk-data.js';
import { ReadBulkData } from './wado/bulkdata/read-bulk-data.js';
import { AnswerFrames } from './wado/frames/answer-frames.js';
import { FindFrames } from './wado/frames/find-frames.js';
import { FramesController } from './wado/frames/frames.controller.js';
import { InflateInstance } from './wado/frames/inflate-instance.js';
import { ReadFrames } from './wado/frames/read-frames.js';
import { AnswerInstances } from './wado/instances/answer-instances.js';
import { InstancesController } from './wado/instances/instances.controller.js';
import { OpenChosenInstance } from './wado/instances/open-chosen-instance.js';
import { MetadataController } from './wado/metadata/metadata.controller.js';
import { DrawPicture } from './wado/rendered/draw-picture.js';
import { FindStoredMedia } from './wado/rendered/find-stored-media.js';
import { PictureStore } from './wado/rendered/picture-store.js';
import { RenderPicture } from './wado/rendered/render-picture.js';
import { RenderedController } from './wado/rendered/rendered.controller.js';
import { ReadPixelAttributes } from './wado/transcoding/read-pixel-attributes.js';
import { TranscodeFrames } from './wado/transcoding/transcode-frames.js';
import { TranscodeInstance } from './wado/transcoding/transcode-instance.js';
import { WadoUriController } from './wado/wado-uri/wado-uri.controller.js';

mapErrorCodes({
  'invalid-request': 400,
  'study-not-found': 404,
  'series-not-found': 404,
  'instance-not-found': 404,
  'frame-not-found': 404,
  'bulk-data-not-found': 404,
  gone: 410,
  'frames-not-readable': 406,
  'archive-unavailable': 503,
  'being-restored': 503,
  'on-legal-hold': 409,
});

/** Ends the decoding processes with the app; says at its start what they have to do without. */
@Injectable()
class ImageServiceLifetime implements OnModuleDestroy {
  constructor(
    private readonly images: ImageService,
    @Inject(LOGGER) logger: Logger,
  ) {
    const missing = libjpegTurbo();
    if (missing instanceof Error) {
      const { message: reason } = missing;
      logger.warn({ reason }, 'libjpeg-turbo cannot be called here: JPEG is left to sharp, which takes longer');
    }
  }

  onModuleDestroy(): Promise<void> {
    return this.images.close();
  }
}

/** DICOMweb (PS3.18): QIDO-RS searches, WADO-RS retrieval, STOW-RS storage. */
@Module({
  imports: [ArchiveModule, StowModule, DeletionModule, ChangefeedModule],
  controllers: [
    CapabilitiesController,
    DocumentationController,
    QidoController,
    InstancesController,
    MetadataController,
    FramesController,
    BulkdataController,
    WadoUriController,
    RenderedController,
  ],
  providers: [
    AnswerFrames,
    FindFrames,
    InflateInstance,
    ReadFrames,
    AnswerAllBulkData,
    ReadBulkData,
    SearchDatabase,
    FindStoredMedia,
    DrawPicture,
    PictureStore,
    RenderPicture,
    ReadPixelAttributes,
    TranscodeFrames,
    TranscodeInstance,
    AnswerInstances,
    OpenChosenInstance,
    ImageServiceLifetime,
    {
      provide: ImageService,
      useFactory: (config: Config) => new ImageService({ workers: config.imageWorkers }),
      inject: [CONFIG],
    },
  ],
})
export class DicomwebModule {}
