import { Controller, Delete, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DeleteInstances, type ResourceUids } from '#libs/archive';
import { Access } from '#libs/auth';
import { searchOf } from '../http/request.js';
import { instanceUids, studyUids, type Target } from '../http/target.js';
import { readReason } from './read-reason.js';

/**
 * Deletes studies, series and instances. The standard leaves that to the server; the paths are those of retrieval, as
 * other archives have it. What is deleted can be brought back for a while: the answer names the deletion, for
 * `/api/deletions`.
 */
@Controller('dicom-web/studies')
@Access('admin')
export class DeleteController {
  constructor(private readonly instances: DeleteInstances) {}

  @Delete(':study')
  study(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.delete(studyUids(target), request, reply);
  }

  @Delete(':study/series/:series')
  series(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.delete(studyUids(target), request, reply);
  }

  @Delete(':study/series/:series/instances/:instance')
  instance(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.delete(instanceUids(target), request, reply);
  }

  private async delete(uids: ResourceUids, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const reason = readReason(searchOf(request), request.headers['x-deletion-reason']);
    const { deletionId } = await this.instances.delete(uids, reason);
    await reply.status(204).header('isocenter-deletion', deletionId).send();
  }
}
