import { Module } from '@nestjs/common';
import { ArchiveModule } from '#libs/archive';
import { AwaitChanges } from './await-changes.js';
import { ChangefeedController } from './changefeed.controller.js';

@Module({ imports: [ArchiveModule], controllers: [ChangefeedController], providers: [AwaitChanges] })
export class ChangefeedModule {}
