import { type Area, failures, json, type Parameter, ref } from '../operation.js';

const tag = { name: 'Change feed', description: 'Every change of every instance, in order, each exactly once.' };

const query = (name: string, description: string, schema: Parameter['schema']): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
const includeMetadata = query('includeMetadata', 'With the data set of what is here now.', {
  type: 'boolean',
  default: true,
});

export const changeFeedArea: Area = {
  tag,
  paths: {
    '/dicom-web/changefeed': {
      get: {
        operationId: 'readChanges',
        tags: [tag.name],
        summary: 'Changes after one that was seen',
        parameters: [
          query('offset', 'The last Sequence seen; with startTime and endTime, how many to pass over.', {
            type: 'integer',
            minimum: 0,
          }),
          query('limit', 'At most so many.', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
          query('startTime', 'Changes from then on.', { type: 'string', format: 'date-time' }),
          query('endTime', 'Changes before then.', { type: 'string', format: 'date-time' }),
          includeMetadata,
          query('wait', 'Seconds to wait for the next change when there is none yet.', {
            type: 'integer',
            minimum: 0,
            maximum: 25,
            default: 0,
          }),
        ],
        responses: {
          200: { description: 'The changes, by Sequence.', content: json({ type: 'array', items: ref('Change') }) },
          ...failures(400, 410),
        },
      },
    },
    '/dicom-web/changefeed/latest': {
      get: {
        operationId: 'readLatestChange',
        tags: [tag.name],
        summary: 'The latest change',
        parameters: [includeMetadata],
        responses: {
          200: { description: 'The change.', content: json(ref('Change')) },
          204: { description: 'Nothing has ever changed.' },
          ...failures(400),
        },
      },
    },
  },
};
