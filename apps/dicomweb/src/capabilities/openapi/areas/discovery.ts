import { type Area, failures, json } from '../operation.js';

const tag = { name: 'Discovery', description: 'What this server can do, for programs.' };

export const discoveryArea: Area = {
  tag,
  paths: {
    '/dicom-web': {
      options: {
        operationId: 'RetrieveCapabilities',
        tags: [tag.name],
        summary: 'The capabilities of the DICOMweb services (PS3.18 8.9)',
        responses: {
          200: {
            description: 'As WADL, in XML or JSON.',
            content: { 'application/vnd.sun.wadl+xml': { schema: { type: 'string' } }, ...json({ type: 'object' }) },
          },
          ...failures(406),
        },
        security: [],
      },
    },
    '/api/openapi.json': {
      get: {
        operationId: 'readOpenApi',
        tags: [tag.name],
        summary: 'This document',
        responses: { 200: { description: 'OpenAPI 3.1.', content: json({ type: 'object' }) } },
        security: [],
      },
    },
    '/api/docs': {
      get: {
        operationId: 'showDocumentation',
        tags: [tag.name],
        summary: 'This document, as a page',
        responses: { 200: { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } } },
        security: [],
      },
    },
    '/api/docs/{file}': {
      get: {
        operationId: 'readDocumentationFile',
        tags: [tag.name],
        summary: 'What the page consists of',
        parameters: [
          {
            name: 'file',
            in: 'path',
            required: true,
            description: 'one of the few the page asks for',
            schema: { enum: ['swagger-ui.css', 'swagger-ui-bundle.js', 'page.js'] },
          },
        ],
        responses: {
          200: {
            description: 'The file.',
            content: { 'text/javascript': { schema: { type: 'string' } }, 'text/css': { schema: { type: 'string' } } },
          },
          ...failures(404),
        },
        security: [],
      },
    },
  },
};
