import { Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Readable } from 'node:stream';
import { Access, type Identity, Who } from '#libs/auth';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { manifestJsonSchema } from '../manifest-schema.js';
import { ModelError } from '../model-error.js';
import { listModels, type ListedModel } from './list-models.js';
import { ModelPackages } from './model-packages.js';
import { type ModelChange, type ModelRow, readChanges } from './model-repository.js';
import { PackageError } from './package-error.js';

const archiveTypes = ['application/zip', 'application/x-zip-compressed', 'application/octet-stream'];
const statuses: Record<PackageError['code'], [status: number, title: string]> = {
  'invalid-package': [422, 'Not a model'],
  'package-too-large': [413, 'Content Too Large'],
  'version-taken': [409, 'The version is taken'],
  'unknown-model': [404, 'No such model'],
  'version-in-use': [409, 'The version is in use'],
};

export interface ModelVersionAnswer {
  model: string;
  version: string;
  sha256: string;
  networkSha256: string;
  source: 'folder' | 'upload';
  state: 'active' | 'inactive';
}

/** Models: what there is, and how it changes. A body is an archive of one version's folder. */
@Controller('api/models')
export class ModelsController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly packages: ModelPackages,
  ) {}

  @Get()
  @Access('read')
  async list(): Promise<{ models: ListedModel[] }> {
    return { models: await listModels(this.dataSource) };
  }

  /** The JSON Schema of model.json. */
  @Get('schema')
  @Access('read')
  @Header('content-type', 'application/schema+json')
  schema(): Record<string, unknown> {
    return manifestJsonSchema();
  }

  /** Who uploaded, activated, rolled back and deleted what, newest first. */
  @Get('changes')
  @Access('admin')
  async changes(@Query('model') model?: string): Promise<{ changes: ModelChange[] }> {
    return { changes: await readChanges(this.dataSource, model) };
  }

  @Post()
  @Access('admin')
  async add(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Query() query: Record<string, string | undefined>,
    @Who() who: Identity,
  ): Promise<ModelVersionAnswer> {
    const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (!archiveTypes.includes(mediaType) || !(request.body instanceof Readable))
      throw new HttpProblem(
        415,
        'Unsupported Media Type',
        `A model is sent as ${archiveTypes[0]}: a zip archive with model.json, model.onnx and README.md.`,
      );
    const { specialty, name, version, sha256 } = query;
    if (sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(sha256))
      throw new HttpProblem(400, 'Bad Request', 'sha256 is that of the archive, 64 hexadecimal digits.');
    const named = Object.fromEntries(
      Object.entries({ specialty, name, version }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
    const { row, isNew } = await answer(this.packages.add(request.body, { named, sha256 }, who.name));
    void reply.status(isNew ? 201 : 200).header('location', `/api/models/${row.modelId}/${row.version}`);
    return shown(row);
  }

  @Post(':specialty/:name/:version/activate')
  @HttpCode(200)
  @Access('admin')
  async activate(
    @Param('specialty') specialty: string,
    @Param('name') name: string,
    @Param('version') version: string,
    @Who() who: Identity,
  ): Promise<ModelVersionAnswer> {
    return shown(await answer(this.packages.activate(`${specialty}/${name}`, version, who.name)));
  }

  @Post(':specialty/:name/rollback')
  @HttpCode(200)
  @Access('admin')
  async rollBack(
    @Param('specialty') specialty: string,
    @Param('name') name: string,
    @Who() who: Identity,
  ): Promise<ModelVersionAnswer> {
    return shown(await answer(this.packages.rollBack(`${specialty}/${name}`, who.name)));
  }

  @Delete(':specialty/:name/:version')
  @HttpCode(204)
  @Access('admin')
  async remove(
    @Param('specialty') specialty: string,
    @Param('name') name: string,
    @Param('version') version: string,
    @Who() who: Identity,
  ): Promise<void> {
    await answer(this.packages.remove(`${specialty}/${name}`, version, who.name));
  }
}

function shown({ modelId, version, sha256, networkSha256, source, isCurrent }: ModelRow): ModelVersionAnswer {
  return { model: modelId, version, sha256, networkSha256, source, state: isCurrent ? 'active' : 'inactive' };
}

/** What is wrong with a model is told line by line. */
async function answer<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ModelError)
      throw new HttpProblem(422, 'Not a model', error.message, {
        code: error.code,
        problems: error.message.split('\n'),
      });
    if (error instanceof PackageError) {
      const [status, title] = statuses[error.code];
      throw new HttpProblem(status, title, error.message, { code: error.code });
    }
    throw error;
  }
}
