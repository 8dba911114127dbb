import { type Area, failures, type Operation, parameter, pathParameters, ref } from '../operation.js';

const tag = { name: 'STOW-RS', description: 'Store instances (PS3.18 10.5). What is answered as stored is on disk.' };

const outcome = {
  'application/dicom+json': { schema: ref('StoreResponse') },
  'application/dicom+xml': { schema: { type: 'string' } },
};
const bytes = { schema: { type: 'string', contentMediaType: 'application/dicom' } };

function store(path: string, operationId: string, summary: string): Record<string, { post: Operation }> {
  const post: Operation = {
    operationId,
    tags: [tag.name],
    summary,
    parameters: [...pathParameters(path), parameter('Accept')],
    requestBody: {
      required: true,
      description: 'Part 10 files. They are read as they come; nothing waits for the whole.',
      content: { 'multipart/related; type="application/dicom"': bytes, 'application/dicom': bytes },
    },
    responses: {
      200: { description: 'All are stored.', content: outcome },
      202: {
        description: 'Some are stored, others not, or with warnings: the answer says which and why.',
        content: outcome,
      },
      409: { description: 'None is stored: the answer says why.', content: outcome },
      ...failures(400, 413, 415, 503, 507),
    },
  };
  return { [path]: { post } };
}

export const storeArea: Area = {
  tag,
  paths: {
    ...store('/dicom-web/studies', 'StoreInstances', 'Store instances'),
    ...store('/dicom-web/studies/{study}', 'StoreStudyInstances', 'Store instances of one study'),
  },
};
