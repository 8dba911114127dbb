import { Module } from '@nestjs/common';
import { ArchiveModule } from '#libs/archive';
import { mapErrorCodes } from '#libs/server';
import { DeleteController } from './delete.controller.js';
import { DeletionsController } from './deletions.controller.js';

mapErrorCodes({ 'deletion-not-found': 404, 'deletion-over': 409, 'restore-conflict': 409, gone: 410 });

@Module({ imports: [ArchiveModule], controllers: [DeleteController, DeletionsController] })
export class DeletionModule {}
