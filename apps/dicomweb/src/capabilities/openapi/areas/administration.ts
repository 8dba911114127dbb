import { type Area, failures, json, type Operation, pathParameters, ref } from '../operation.js';

const tag = { name: 'Administration', description: 'Rules, storage; health; the session of a browser.' };

const get = (
  operationId: string,
  summary: string,
  answer: string,
  content: ReturnType<typeof json>,
): { get: Operation } => ({
  get: { operationId, tags: [tag.name], summary, responses: { 200: { description: answer, content }, ...failures() } },
});

const order = (operationId: string, summary: string): { post: Operation } => ({
  post: {
    operationId,
    tags: [tag.name],
    summary,
    responses: { 202: { description: 'It is in the queue.' }, ...failures() },
  },
});

const move = '/api/storage/packs/{packId}/move';

export const administrationArea: Area = {
  tag,
  paths: {
    '/api/rules': get(
      'listRules',
      'The rules by which studies go to models',
      'In the order they are asked.',
      json(ref('Rules')),
    ),
    '/api/storage': get('readStorage', 'How much is where', 'By tiers.', json(ref('StorageUsage'))),
    '/api/storage/packs': {
      get: {
        operationId: 'listPacks',
        tags: [tag.name],
        summary: 'The packs of a study, and where their copies are',
        parameters: [
          { name: 'studyInstanceUid', in: 'query', required: true, description: 'of the study', schema: ref('Uid') },
        ],
        responses: {
          200: { description: 'The first thousand.', content: json({ type: 'array', items: ref('Pack') }) },
          ...failures(400),
        },
      },
    },
    '/api/storage/plan': order('planTiering', 'Look now for packs that belong on another tier'),
    '/api/storage/collect-garbage': order('collectGarbage', 'Delete now what is past its grace'),
    [move]: {
      post: {
        operationId: 'movePack',
        tags: [tag.name],
        summary: 'Order a pack to a tier, whatever the policy says',
        parameters: pathParameters(move),
        requestBody: {
          required: true,
          content: json(
            { type: 'object', required: ['tier'], properties: { tier: { enum: ['hot', 'warm', 'cold'] } } },
            { tier: 'warm' },
          ),
        },
        responses: { 202: { description: 'It is in the queue.' }, ...failures(400, 404, 409, 507) },
      },
    },
    '/api/session': {
      post: {
        operationId: 'startSession',
        tags: [tag.name],
        summary: 'Give a browser its API token, once, as a cookie',
        requestBody: {
          required: true,
          content: json({ type: 'object', required: ['token'], properties: { token: { type: 'string' } } }),
        },
        responses: {
          204: { description: 'The cookie is set.', headers: { 'Set-Cookie': { schema: { type: 'string' } } } },
          ...failures(400),
        },
        security: [],
      },
      delete: {
        operationId: 'endSession',
        tags: [tag.name],
        summary: 'Take the cookie away',
        responses: { 204: { description: 'It is gone.' }, ...failures() },
        security: [],
      },
    },
    '/health/live': {
      get: {
        operationId: 'isLive',
        tags: [tag.name],
        summary: 'The process answers',
        responses: {
          200: { description: 'It does.', content: json({ type: 'object', properties: { status: { const: 'ok' } } }) },
        },
        security: [],
      },
    },
    '/health/ready': {
      get: {
        operationId: 'isReady',
        tags: [tag.name],
        summary: 'Everything that the process needs answers',
        responses: {
          200: { description: 'It does.', content: json(ref('Health')) },
          503: { description: 'Something does not; `parts` says what.', content: json(ref('Health')) },
        },
        security: [],
      },
    },
  },
};
