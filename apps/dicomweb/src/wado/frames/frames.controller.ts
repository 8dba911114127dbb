import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { instanceUids, type Target } from '../../http/target.js';
import { parseFrameList } from '../../wire/parse-frame-list.js';
import { AnswerFrames } from './answer-frames.js';

/** WADO-RS frames (PS3.18 10.4.1.1.6), in the order asked for. */
@Controller('dicom-web/studies/:study/series/:series/instances/:instance/frames')
@Access('read')
export class FramesController {
  constructor(
    private readonly answerFrames: AnswerFrames,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get(':frames')
  async frames(
    @Param() target: Target & { frames: string },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const numbers = parseFrameList(target.frames, this.config.limits.framesPerRequestMax);
    await this.answerFrames.answer(request, reply, instanceUids(target), numbers);
  }
}
