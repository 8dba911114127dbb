import { administrationArea } from './areas/administration.js';
import { changeFeedArea } from './areas/change-feed.js';
import { deletionArea } from './areas/deletion.js';
import { discoveryArea } from './areas/discovery.js';
import { inferenceArea } from './areas/inference.js';
import { modelsArea } from './areas/models.js';
import { renderedArea } from './areas/rendered.js';
import { retrieveArea } from './areas/retrieve.js';
import { routingArea } from './areas/routing.js';
import { triageArea } from './areas/triage.js';
import { tieringArea } from './areas/tiering.js';
import { wadoUriArea } from './areas/wado-uri.js';
import { searchArea } from './areas/search.js';
import { storeArea } from './areas/store.js';
import { workitemsArea } from './areas/workitems.js';
import { worklistArea } from './areas/worklist.js';
import { type Area, type Document, errorComponents, type Paths } from './operation.js';
import { parameters, schemas } from './schemas.js';

const areas: readonly Area[] = [
  searchArea,
  retrieveArea,
  renderedArea,
  wadoUriArea,
  storeArea,
  deletionArea,
  changeFeedArea,
  workitemsArea,
  worklistArea,
  triageArea,
  modelsArea,
  inferenceArea,
  routingArea,
  administrationArea,
  tieringArea,
  discoveryArea,
];

/**
 * The whole interface of the suite as OpenAPI 3.1.
 * @param url of this server as the client sees it, without a trailing slash
 */
export function openApiDocument(url: string): Document {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Isocenter',
      version: '0.1.0',
      description:
        'DICOMweb (PS3.18), the AI-triaged worklist and its administration. Every error is a problem of RFC 9457. Not a medical device.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    tags: areas.map(({ tag }) => tag),
    security: [{ token: [] }, { session: [] }, {}],
    paths: merge(areas),
    components: {
      schemas,
      parameters,
      responses: errorComponents,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'ISOCENTER_API_TOKEN or one of ISOCENTER_TOKENS_FILE, where the suite has them',
        },
        session: { type: 'apiKey', in: 'cookie', name: 'isocenter_token', description: 'what POST /api/session sets' },
      },
    },
  };
}

/** Some paths belong to several areas, each with methods of its own. */
function merge(all: readonly Area[]): Paths {
  const merged: Paths = {};
  for (const { paths } of all) {
    for (const [path, methods] of Object.entries(paths)) merged[path] = { ...merged[path], ...methods };
  }
  return merged;
}
