import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OpenInstance } from '#libs/archive';
import { Access } from '#libs/auth';
import { acceptableOf } from '../../http/request.js';
import { instanceUids, studyUids, type Target } from '../../http/target.js';
import { AnswerInstances } from './answer-instances.js';

/** WADO-RS retrieve (PS3.18 10.4.1.1.1): the instances of a study, a series, or one, as DICOM or zip file. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class InstancesController {
  constructor(
    private readonly openInstance: OpenInstance,
    private readonly answerInstances: AnswerInstances,
  ) {}

  @Get(['', 'series/:series'])
  async ofStudy(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const rows = await this.openInstance.list(studyUids(target));
    const name = target.series ?? target.study;
    await this.answerInstances.answer(request, reply, rows, { isOne: false, name, acceptable: acceptableOf(request) });
  }

  @Get('series/:series/instances/:instance')
  async ofInstance(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const uids = instanceUids(target);
    const rows = [await this.openInstance.find(uids)];
    const name = uids.sopInstanceUid;
    await this.answerInstances.answer(request, reply, rows, { isOne: true, name, acceptable: acceptableOf(request) });
  }
}
