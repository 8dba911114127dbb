import { type Area, failures, json, pathParameters } from '../operation.js';

const tag = {
  name: 'Inference',
  description: 'AI tasks that were given up, versions of models on trial, and how scores lie over time.',
};
const retry = '/api/inference/failures/{workitemUid}/retry';
const discard = '/api/inference/failures/{workitemUid}/discard';
const trial = '/api/models/{specialty}/{name}/trial';
const drift = '/api/models/{specialty}/{name}/drift';
const query = (name: string, description: string, values: string[]) => ({
  name,
  in: 'query' as const,
  description,
  schema: { type: 'string', ...(values.length > 0 && { enum: values }) },
});
const anything = { type: 'object' };
const list = (name: string) => ({
  type: 'object',
  required: [name],
  properties: { [name]: { type: 'array', items: anything } },
});

export const inferenceArea: Area = {
  tag,
  paths: {
    '/api/inference/failures': {
      get: {
        operationId: 'listInferenceFailures',
        tags: [tag.name],
        summary: 'AI tasks that were given up after their last attempt, each with why',
        parameters: [query('state', 'failed where it is left out', ['failed', 'retried', 'discarded'])],
        responses: { 200: { description: 'The latest first.', content: json(list('failures')) }, ...failures(400) },
      },
    },
    [retry]: {
      post: {
        operationId: 'retryInferenceFailure',
        tags: [tag.name],
        summary: 'Try a task again, with all its attempts before it',
        parameters: pathParameters(retry),
        responses: { 200: { description: 'It waits.', content: json(anything) }, ...failures(404, 409) },
      },
    },
    [discard]: {
      post: {
        operationId: 'discardInferenceFailure',
        tags: [tag.name],
        summary: 'Lay a task aside: the study is read without AI',
        parameters: pathParameters(discard),
        responses: { 200: { description: 'It is laid aside.', content: json(anything) }, ...failures(404, 409) },
      },
    },
    [trial]: {
      put: {
        operationId: 'startTrial',
        tags: [tag.name],
        summary: 'Run a version beside the one in force (shadow), or in its place (canary), on some studies',
        description:
          'Which studies is decided by their UID: always the same ones. A shadow stores nothing in the archive and changes no priority.',
        parameters: pathParameters(trial),
        requestBody: {
          required: true,
          content: json({
            type: 'object',
            required: ['version', 'mode', 'percent'],
            properties: {
              version: { type: 'string' },
              mode: { enum: ['shadow', 'canary'] },
              percent: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
            },
          }),
        },
        responses: { 200: { description: 'It runs.', content: json(anything) }, ...failures(400, 404, 409) },
      },
      get: {
        operationId: 'getTrial',
        tags: [tag.name],
        summary: 'The version on trial, and how often it disagrees with the one in force',
        parameters: [
          ...pathParameters(trial),
          query('by', 'one number for all where it is left out', ['all', 'scanner', 'site', 'week']),
        ],
        responses: { 200: { description: 'As of now.', content: json(anything) }, ...failures(400, 404) },
      },
      delete: {
        operationId: 'endTrial',
        tags: [tag.name],
        summary: 'End the trial: every study gets the version in force',
        parameters: pathParameters(trial),
        responses: { 204: { description: 'It is over.' }, ...failures(404) },
      },
    },
    [drift]: {
      get: {
        operationId: 'getScoreDrift',
        tags: [tag.name],
        summary: 'How the scores of each version lie, by scanner, site or week',
        parameters: [
          ...pathParameters(drift),
          query('by', 'week where it is left out', ['scanner', 'site', 'week']),
          query('weeks', 'how far back; 12 where it is left out', []),
        ],
        responses: { 200: { description: 'A row a group.', content: json(list('drift')) }, ...failures(400) },
      },
    },
  },
};
