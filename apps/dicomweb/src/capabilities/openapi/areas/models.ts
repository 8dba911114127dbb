import { type Area, failures, json, pathParameters, ref } from '../operation.js';

const tag = {
  name: 'Models',
  description:
    'What the inference workers run: uploaded as archives, activated, rolled back, deleted (docs/models.md).',
};
const activate = '/api/models/{specialty}/{name}/{version}/activate';
const rollback = '/api/models/{specialty}/{name}/rollback';
const version = '/api/models/{specialty}/{name}/{version}';
const query = (name: string, description: string) => ({
  name,
  in: 'query' as const,
  description,
  schema: { type: 'string' },
});

export const modelsArea: Area = {
  tag,
  paths: {
    '/api/models': {
      get: {
        operationId: 'listModels',
        tags: [tag.name],
        summary: 'The models there are, and what they have done',
        responses: {
          200: {
            description: 'By specialty.',
            content: json({
              type: 'object',
              required: ['models'],
              properties: { models: { type: 'array', items: ref('Model') } },
            }),
          },
          ...failures(),
        },
      },
      post: {
        operationId: 'uploadModel',
        tags: [tag.name],
        summary: 'Upload one version of a model',
        description:
          'A zip archive with model.json, model.onnx and README.md, in <specialty>/<name>/<version>/ or with these in the query. It is checked through and through and kept; activating it is another call.',
        parameters: [
          query('specialty', 'where the archive has no folders'),
          query('name', 'where the archive has no folders'),
          query('version', 'where the archive has no folders'),
          query('sha256', 'of the archive, hexadecimal: another one is refused'),
        ],
        requestBody: {
          required: true,
          content: { 'application/zip': { schema: { type: 'string', format: 'binary' } } },
        },
        responses: {
          200: { description: 'It was there already.', content: json(ref('ModelVersion')) },
          201: { description: 'It is kept, and not active.', content: json(ref('ModelVersion')) },
          ...failures(400, 409, 413, 415, 422),
        },
      },
    },
    '/api/models/schema': {
      get: {
        operationId: 'getModelSchema',
        tags: [tag.name],
        summary: 'The JSON Schema of model.json',
        responses: {
          200: {
            description: 'JSON Schema 2020-12.',
            content: { 'application/schema+json': { schema: { type: 'object' } } },
          },
          ...failures(),
        },
      },
    },
    '/api/models/changes': {
      get: {
        operationId: 'listModelChanges',
        tags: [tag.name],
        summary: 'Who uploaded, activated, rolled back and deleted what',
        parameters: [query('model', '`<specialty>/<name>`; all where it is left out')],
        responses: {
          200: {
            description: 'Newest first, two hundred at most.',
            content: json({
              type: 'object',
              required: ['changes'],
              properties: { changes: { type: 'array', items: { type: 'object' } } },
            }),
          },
          ...failures(),
        },
      },
    },
    [activate]: {
      post: {
        operationId: 'activateModel',
        tags: [tag.name],
        summary: 'Put a version in force: rules that ask for the current one get it from now on',
        parameters: pathParameters(activate),
        responses: { 200: { description: 'It is active.', content: json(ref('ModelVersion')) }, ...failures(404) },
      },
    },
    [rollback]: {
      post: {
        operationId: 'rollBackModel',
        tags: [tag.name],
        summary: 'Back to the version that was in force before',
        parameters: pathParameters(rollback),
        responses: {
          200: { description: 'What is active now.', content: json(ref('ModelVersion')) },
          ...failures(404),
        },
      },
    },
    [version]: {
      delete: {
        operationId: 'deleteModel',
        tags: [tag.name],
        summary: 'Take an uploaded version away that is not in use; its results stay',
        parameters: pathParameters(version),
        responses: { 204: { description: 'It is gone.' }, ...failures(404, 409) },
      },
    },
  },
};
