import type { FastifyInstance } from 'fastify';
import type { Config } from '#libs/config';
import { HttpProblem } from './http-problem.js';
import { sendProblem } from './send-problem.js';

/**
 * Bounds the DICOMweb requests under way, and among them the uploads: each holds buffers, a file or a connection to the
 * database, and a process that takes them all in serves none. The rest is answered with 503 at once, and the sender
 * tries again; health, pages and the API always answer.
 */
export function refuseOverload(fastify: FastifyInstance, { limits }: Config): void {
  let requests = 0;
  let uploads = 0;
  fastify.addHook('onRequest', (request, reply, done) => {
    // Connections that stay open are counted where they are served.
    if (!request.raw.url?.startsWith('/dicom-web/') || request.ws) return done();
    const isUpload = request.method === 'POST';
    if (requests >= limits.requestsAtOnceMax || (isUpload && uploads >= limits.uploadsAtOnceMax)) {
      const detail = `This process has ${isUpload ? uploads : requests} ${isUpload ? 'uploads' : 'requests'} under way, as many as it takes; try again.`;
      return void sendProblem(reply, new HttpProblem(503, 'Service Unavailable', detail));
    }
    requests += 1;
    if (isUpload) uploads += 1;
    // Comes once, whether the answer was sent or the client went away.
    reply.raw.once('close', () => {
      requests -= 1;
      if (isUpload) uploads -= 1;
    });
    done();
  });
}
