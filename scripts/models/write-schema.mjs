// Writes models/model.schema.json from the program (`npm run build` first): `node scripts/models/write-schema.mjs`.
import { writeFileSync } from 'node:fs';
import prettier from 'prettier';

const { manifestJsonSchema } = await import('../../dist/apps/inference/src/models/manifest-schema.js');
const target = new URL('../../models/model.schema.json', import.meta.url);
const options = await prettier.resolveConfig(target);
writeFileSync(target, await prettier.format(JSON.stringify(manifestJsonSchema()), { ...options, parser: 'json' }));
