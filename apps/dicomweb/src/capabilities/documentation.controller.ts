import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { HttpProblem } from '#libs/server';
import { dicomwebUrlOf } from '../http/request.js';
import { openApiDocument } from './openapi/document.js';

const swaggerDirectory = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Isocenter API</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/page.js"></script>
</body>
</html>
`;

// A file of its own: the content security policy lets no script of the page itself run.
const script = `SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

const javascript = 'text/javascript; charset=utf-8';
const files: Record<string, { mediaType: string; read: () => Promise<string | Buffer> }> = {
  'page.js': { mediaType: javascript, read: async () => script },
  'swagger-ui.css': { mediaType: 'text/css; charset=utf-8', read: () => ofSwagger('swagger-ui.css') },
  'swagger-ui-bundle.js': { mediaType: javascript, read: () => ofSwagger('swagger-ui-bundle.js') },
};

/** The interface as OpenAPI 3.1, for programs and, as a page that needs nothing from elsewhere, for people. */
@Controller('api')
@Access('public')
export class DocumentationController {
  @Get('openapi.json')
  document(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const document = openApiDocument(dicomwebUrlOf(request).replace(/\/dicom-web$/, ''));
    void reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(document)));
  }

  @Get('docs')
  page(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'text/html; charset=utf-8').send(page);
  }

  @Get('docs/:file')
  async file(@Param('file') name: string, @Res() reply: FastifyReply): Promise<void> {
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    if (file === undefined) throw new HttpProblem(404, 'Not Found', 'The documentation has no such file.');
    const body = await file.read();
    void reply.headers({ 'content-type': file.mediaType, 'cache-control': 'public, max-age=3600' }).send(body);
  }
}

function ofSwagger(name: string): Promise<Buffer> {
  return readFile(path.join(swaggerDirectory, name));
}
