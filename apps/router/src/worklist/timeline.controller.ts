import { Controller, Get, Param } from '@nestjs/common';
import { Access } from '#libs/auth';
import { isUid } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { readTimeline, type TimelineEvent } from './study-timeline.js';

/** What happened to a study, and when. */
@Controller('api/studies')
@Access('read')
export class TimelineController {
  constructor(private readonly dataSource: DataSource) {}

  @Get(':studyInstanceUid/timeline')
  async timeline(@Param('studyInstanceUid') studyInstanceUid: string): Promise<{ events: TimelineEvent[] }> {
    const events = isUid(studyInstanceUid) ? await readTimeline(this.dataSource, studyInstanceUid) : undefined;
    if (events !== undefined) return { events };
    throw new HttpProblem(404, 'No such study', 'There is no study with the UID in the path.');
  }
}
