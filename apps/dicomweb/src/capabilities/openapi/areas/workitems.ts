import { type Area, failures, parameter, pathParameters, ref } from '../operation.js';

const tag = {
  name: 'UPS-RS',
  description: 'Unified procedure steps (PS3.18 11): AI tasks, readings, and what others order.',
};

export const workitemsArea: Area = {
  tag,
  paths: {
    '/dicom-web/workitems': {
      get: {
        operationId: 'SearchForWorkitems',
        tags: [tag.name],
        summary: 'Search for workitems',
        parameters: ['attributes', 'includefield', 'limit', 'offset', 'fuzzymatching'].map(parameter),
        responses: {
          200: {
            description: 'The results, in a stable order.',
            content: { 'application/dicom+json': { schema: ref('DicomDatasets') } },
          },
          204: { description: 'None matches.' },
          ...failures(400),
        },
      },
    },
    '/dicom-web/workitems/{workitemUid}': {
      get: {
        operationId: 'RetrieveWorkitem',
        tags: [tag.name],
        summary: 'A workitem, without its Transaction UID',
        parameters: pathParameters('/dicom-web/workitems/{workitemUid}'),
        responses: {
          200: { description: 'Its data set.', content: { 'application/dicom+json': { schema: ref('DicomDataset') } } },
          ...failures(404),
        },
      },
    },
  },
};
