import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** The built pages, beside the compiled code. */
const consoleDirectory = path.resolve(import.meta.dirname, '../../../console');

/** Serves the web pages at `/`; the addresses the pages themselves make all answer with the one page. */
export async function serveConsole(app: NestFastifyApplication): Promise<void> {
  if (!existsSync(path.join(consoleDirectory, 'index.html'))) {
    throw new Error(`The console is not built (${consoleDirectory} has no index.html): run "npm run build".`);
  }
  const fastify = app.getHttpAdapter().getInstance();
  await fastify.register(fastifyStatic as never, { root: consoleDirectory, prefix: '/', wildcard: false } as never);
  for (const page of ['/studies/:uid', '/admin']) {
    fastify.get(page, (_request, reply) =>
      (reply as unknown as { sendFile(name: string): unknown }).sendFile('index.html'),
    );
  }
}
