import { type Area, failures, type Operation, parameter, pathParameters } from '../operation.js';

const tag = {
  name: 'Rendered',
  description: 'Pictures for people: rendered resources and thumbnails (PS3.18 10.4.1.1.3).',
};

const places: [path: string, of: string, name: string][] = [
  ['/dicom-web/studies/{study}', 'a study', 'Study'],
  ['/dicom-web/studies/{study}/series/{series}', 'a series', 'Series'],
  ['/dicom-web/studies/{study}/series/{series}/instances/{instance}', 'an instance', 'Instance'],
  ['/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}', 'frames', 'Frames'],
];

const names = ['Accept', 'viewport', 'window', 'quality', 'annotation', 'iccprofile', 'IfNoneMatch'];

const picture = { schema: { type: 'string', contentMediaType: 'image/*' } };

function operation(path: string, operationId: string, summary: string): Operation {
  return {
    operationId,
    tags: [tag.name],
    summary,
    parameters: [...pathParameters(path), ...names.map(parameter)],
    responses: {
      200: {
        description: 'The picture, several frames as parts; SVG of waveforms alone; of a structured report a page.',
        headers: { ETag: { schema: { type: 'string' } } },
        content: {
          'image/jpeg': picture,
          'image/png': picture,
          'image/gif': picture,
          'image/webp': picture,
          'image/jxl': picture,
          'image/svg+xml': { schema: { type: 'string' } },
          'multipart/related; type="image/jpeg"': picture,
          'text/html': { schema: { type: 'string' } },
        },
      },
      304: { description: 'The client has it.' },
      ...failures(400, 404, 406, 410, 503),
    },
  };
}

export const renderedArea: Area = {
  tag,
  paths: Object.fromEntries(
    places.flatMap(([path, of, name]) => [
      [`${path}/rendered`, { get: operation(path, `RetrieveRendered${name}`, `The picture of ${of}`) }],
      [`${path}/thumbnail`, { get: operation(path, `Retrieve${name}Thumbnail`, `A small picture of ${of}`) }],
    ]),
  ),
};
