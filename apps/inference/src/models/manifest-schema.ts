import { z } from 'zod';
import { modelManifestDocument } from './manifest.js';

/** Where it is published: a file of this repository, and served under this path. */
export const manifestSchemaPath = '/api/models/schema';

/** model.json as JSON Schema (2020-12), as people write it: what has a default may be left out. */
export function manifestJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(modelManifestDocument, { io: 'input', reused: 'inline' });
  return {
    $schema,
    $id: 'urn:isocenter:model-manifest:2',
    title: 'model.json',
    description:
      'What a model reads of a study, how it is prepared, what the network gives and what becomes of it. docs/models.md teaches it by example; names used between steps are checked beside this schema.',
    ...schema,
  };
}
