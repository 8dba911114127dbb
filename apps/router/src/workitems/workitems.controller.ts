import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { Access } from '#libs/auth';
import { type DicomJson, isUid } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { dicomwebUrlOf, HttpProblem } from '#libs/server';
import { getWorkitem, parseWorkitemQuery, searchWorkitems, toUpsDataset, type Workitem } from '#libs/workitems';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { warning } from './refusal.js';
import { prefersXml, sendDataset, sendDatasets } from './send-datasets.js';

const inputInformation = '00404021';

/** UPS-RS, its reading half (PS3.18 11.5 Retrieve Workitem, 11.9 Search), and the same as plain JSON. */
@Controller()
@Access('read')
export class WorkitemsController {
  constructor(private readonly dataSource: DataSource) {}

  @Get('dicom-web/workitems/:workitemUid')
  async retrieve(
    @Param('workitemUid') workitemUid: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const workitem = await this.find(workitemUid);
    void reply.header('cache-control', 'no-cache');
    await sendDataset(request, reply, toUpsDataset(workitem));
  }

  /** 204 when none fits. Input is left out unless `includefield` asks for it: it may name thousands of instances. */
  @Get('dicom-web/workitems')
  async search(
    @Query() raw: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = parseWorkitemQuery(raw);
    prefersXml(request);
    const found = (await searchWorkitems(this.dataSource, query)).map(toUpsDataset);
    void reply.header('cache-control', 'no-cache');
    if (raw['fuzzymatching'] === 'true') {
      const text = 'The fuzzymatching parameter is not supported. Only literal matching has been performed.';
      void reply.header('warning', warning(dicomwebUrlOf(request), text));
    }
    if (found.length === 0) {
      await reply.status(204).send();
      return;
    }
    await sendDatasets(request, reply, query.includesInput ? found : found.map(withoutInput));
  }

  @Get('api/workitems/:workitemUid')
  async describe(
    @Param('workitemUid') workitemUid: string,
  ): Promise<Omit<Workitem, 'dataset'> & { dataset: DicomJson }> {
    const workitem = await this.find(workitemUid);
    return { ...workitem, dataset: toUpsDataset(workitem) };
  }

  private async find(workitemUid: string): Promise<Workitem> {
    const workitem = isUid(workitemUid) ? await getWorkitem(this.dataSource, workitemUid) : undefined;
    if (workitem === undefined) {
      throw new HttpProblem(404, 'No such workitem', 'There is no workitem with the UID in the path.');
    }
    return workitem;
  }
}

function withoutInput({ [inputInformation]: _input, ...dataset }: DicomJson): DicomJson {
  return dataset;
}
