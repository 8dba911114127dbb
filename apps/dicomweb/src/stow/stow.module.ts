import { Module } from '@nestjs/common';
import { ArchiveModule } from '#libs/archive';
import { mapErrorCodes } from '#libs/server';
import { StowController } from './stow.controller.js';

mapErrorCodes({
  'invalid-request': 400,
  'too-many-parts': 413,
  'too-much-bulk-data': 413,
  'spool-unavailable': 503,
  'blob-no-space': 507,
  'blob-unavailable': 503,
  'archive-unavailable': 503,
});

@Module({ imports: [ArchiveModule], controllers: [StowController] })
export class StowModule {}
