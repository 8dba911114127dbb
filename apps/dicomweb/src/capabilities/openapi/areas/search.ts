import { type Area, failures, type Operation, parameter, pathParameters, ref } from '../operation.js';

const tag = { name: 'QIDO-RS', description: 'Search for studies, series and instances (PS3.18 10.6).' };

function search(path: string, operationId: string, summary: string): Record<string, { get: Operation }> {
  const keys = ['attributes', 'includefield', 'limit', 'offset', 'fuzzymatching'];
  const get: Operation = {
    operationId,
    tags: [tag.name],
    summary,
    parameters: [...pathParameters(path), ...keys.map(parameter)],
    responses: {
      200: {
        description: 'The results, in a stable order.',
        headers: {
          Warning: {
            description: 'more can be asked for, or a parameter was not honoured',
            schema: { type: 'string' },
          },
        },
        content: {
          'application/dicom+json': { schema: ref('DicomDatasets') },
          'application/json': { schema: ref('DicomDatasets') },
          'multipart/related; type="application/dicom+xml"': { schema: { type: 'string' } },
        },
      },
      204: { description: 'Nothing matches.' },
      ...failures(400, 404, 406, 413, 503),
    },
  };
  return { [path]: { get } };
}

export const searchArea: Area = {
  tag,
  paths: {
    ...search('/dicom-web/studies', 'SearchForStudies', 'Search for studies'),
    ...search('/dicom-web/series', 'SearchForAllSeries', 'Search for series, anywhere'),
    ...search('/dicom-web/studies/{study}/series', 'SearchForSeries', 'Search for series of a study'),
    ...search('/dicom-web/instances', 'SearchForAllInstances', 'Search for instances, anywhere'),
    ...search('/dicom-web/studies/{study}/instances', 'SearchForStudyInstances', 'Search for instances of a study'),
    ...search(
      '/dicom-web/studies/{study}/series/{series}/instances',
      'SearchForInstances',
      'Search for instances of a series',
    ),
  },
};
