import type { FastifyInstance } from 'fastify';

let readAt = -Infinity;

/** Notes when something of a study was asked for, by a person's viewer and not by our own models. */
export function noteReads(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { method, url, headers } = request.raw;
    const isRead = method === 'GET' && url?.startsWith('/dicom-web/studies/') === true;
    if (isRead && headers['x-isocenter-origin'] === undefined) readAt = performance.now();
    done();
  });
}

/** Whether this process was asked to read within the last so many milliseconds. */
export const wasReadWithin = (milliseconds: number): boolean => performance.now() - readAt < milliseconds;
