import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const mediaTypes: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serves a viewer's folder at an origin of its own, isolated as viewers with shared memory are (COOP, COEP): what they
 * fetch from elsewhere needs CORS, what they only show needs Cross-Origin-Resource-Policy.
 * @param prefix of its paths, where the viewer insists on one; with a slash at its end
 * @param texts files that are not in the folder, by path; read at each request
 */
export async function serveFolder(
  folder: string,
  { prefix = '/', texts = {} }: { prefix?: string; texts?: Record<string, () => string> } = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    void answer(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)).catch(() => response.destroy());

    async function answer(name: string): Promise<void> {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
      const text = texts[name];
      if (text !== undefined) {
        response.setHeader('content-type', mediaTypes[path.extname(name)] ?? 'text/plain');
        response.end(text());
        return;
      }
      const file = path.join(folder, path.normalize(name.startsWith(prefix) ? name.slice(prefix.length) : name));
      const isFile = await stat(file).then(
        (found) => found.isFile(),
        () => false,
      );
      // Addresses that the viewer makes up answer with its one page.
      const served = isFile ? file : path.join(folder, 'index.html');
      response.setHeader('content-type', mediaTypes[path.extname(served)] ?? 'application/octet-stream');
      createReadStream(served)
        .on('error', () => response.destroy())
        .pipe(response);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => void server.close(() => done()));
    },
  };
}
