import { type Area, failures, json, type Operation, type Parameter, pathParameters, ref } from '../operation.js';

const tag = {
  name: 'Deletion',
  description: 'Delete, and bring back what was deleted or replaced while its grace lasts.',
};
const study = '/dicom-web/studies/{study}';
const series = `${study}/series/{series}`;

const reason: Parameter[] = [
  { name: 'reason', in: 'query', description: 'Why, for the record.', schema: { type: 'string' } },
  { name: 'X-Deletion-Reason', in: 'header', description: 'The same.', schema: { type: 'string' } },
];

function deletion(path: string, operationId: string, summary: string): Record<string, { delete: Operation }> {
  return {
    [path]: {
      delete: {
        operationId,
        tags: [tag.name],
        summary,
        parameters: [...pathParameters(path), ...reason],
        responses: {
          204: {
            description: 'It is deleted.',
            headers: {
              'Isocenter-Deletion': { description: 'of `/api/deletions`', schema: { type: 'string', format: 'uuid' } },
            },
          },
          ...failures(400, 404, 410),
        },
      },
    },
  };
}

function end(path: string, operationId: string, summary: string): Record<string, { post: Operation }> {
  return {
    [path]: {
      post: {
        operationId,
        tags: [tag.name],
        summary,
        parameters: pathParameters(path),
        responses: { 200: { description: 'As it is now.', content: json(ref('Deletion')) }, ...failures(404, 409) },
      },
    },
  };
}

export const deletionArea: Area = {
  tag,
  paths: {
    ...deletion(study, 'DeleteStudy', 'Delete a study'),
    ...deletion(series, 'DeleteSeries', 'Delete a series'),
    ...deletion(`${series}/instances/{instance}`, 'DeleteInstance', 'Delete an instance'),
    '/api/deletions': {
      get: {
        operationId: 'listDeletions',
        tags: [tag.name],
        summary: 'What was deleted or replaced, the newest first',
        parameters: [
          {
            name: 'state',
            in: 'query',
            description: 'Which ones.',
            schema: { enum: ['recoverable', 'restored', 'purged', 'all'], default: 'recoverable' },
          },
          { name: 'studyInstanceUid', in: 'query', description: 'Of one study.', schema: ref('Uid') },
          {
            name: 'limit',
            in: 'query',
            description: 'At most so many.',
            schema: { type: 'integer', minimum: 0, maximum: 1000, default: 100 },
          },
          { name: 'offset', in: 'query', description: 'Pass over so many.', schema: { type: 'integer', minimum: 0 } },
        ],
        responses: {
          200: {
            description: 'Each with the name of its patient while it can be brought back.',
            content: json({
              type: 'object',
              required: ['deletions'],
              properties: { deletions: { type: 'array', items: ref('ListedDeletion') } },
            }),
          },
          ...failures(400),
        },
      },
    },
    '/api/deletions/{deletionId}': {
      get: {
        operationId: 'describeDeletion',
        tags: [tag.name],
        summary: 'A deletion, and how it ends',
        parameters: pathParameters('/api/deletions/{deletionId}'),
        responses: { 200: { description: 'The deletion.', content: json(ref('Deletion')) }, ...failures(404) },
      },
    },
    ...end('/api/deletions/{deletionId}/restore', 'restoreDeletion', 'Bring all of it back'),
    ...end('/api/deletions/{deletionId}/purge', 'purgeDeletion', 'For good, without waiting for the grace to end'),
  },
};
