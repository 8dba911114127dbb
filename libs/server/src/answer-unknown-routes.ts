import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from './http-problem.js';
import type { RouteTable } from './route-table.js';
import { sendProblem } from './send-problem.js';

/**
 * Answers what no route does: OPTIONS with the methods of a path (RFC 9110 9.3.7), another wrong method with 405, and
 * everything else with 404. Add it after CORS, so that viewers elsewhere can read the answer.
 */
export function answerUnknownRoutes(fastify: FastifyInstance, routes: RouteTable): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    // CORS brings a route `*` for OPTIONS.
    if (!request.is404 && request.routeOptions.url !== '*') return done();
    answer(request, reply, routes);
  });
}

function answer(request: FastifyRequest, reply: FastifyReply, routes: RouteTable): void {
  const path = request.raw.url?.split('?', 1)[0] ?? '';
  const methods = routes.allowed(path);
  if (methods.length === 0) {
    sendProblem(
      reply,
      new HttpProblem(404, 'Not Found', 'Nothing is served at this path; /api/docs says what is where.'),
    );
    return;
  }
  const allow = methods.join(', ');
  if (request.method === 'OPTIONS') {
    void reply.status(204).header('allow', allow).send();
    return;
  }
  const detail = `This path answers ${allow}.`;
  sendProblem(reply, new HttpProblem(405, 'Method Not Allowed', detail, {}, { allow }));
}
