import { defineConfig } from 'oxlint';

// The import table of ARCHITECTURE.md, enforced. A later override replaces an earlier one for the same file, so each
// folder gets one override that says everything about it.

/** Which of our libraries each folder may import. */
const mayImport: Record<string, string[]> = {
  'libs/config': [],
  'libs/telemetry': ['config'],
  'libs/processes': ['config', 'telemetry', 'database'],
  'libs/dicom': [],
  'libs/reports': ['dicom'],
  'libs/workers': [],
  'libs/images': ['dicom', 'workers'],
  'libs/blobs': [],
  'libs/database': ['config', 'dicom'],
  'libs/jobs': ['config', 'telemetry', 'database'],
  'libs/auth': ['config', 'telemetry', 'database'],
  'libs/server': ['config', 'telemetry', 'database', 'processes', 'jobs', 'auth'],
  'libs/workitems': ['dicom', 'database', 'jobs', 'telemetry'],
  'libs/archive': ['config', 'telemetry', 'dicom', 'images', 'blobs', 'database', 'jobs', 'workitems'],
  'apps/dicomweb': [
    'config',
    'telemetry',
    'dicom',
    'images',
    'database',
    'processes',
    'jobs',
    'auth',
    'server',
    'archive',
  ],
  'apps/router': [
    'config',
    'telemetry',
    'dicom',
    'reports',
    'database',
    'jobs',
    'auth',
    'server',
    'archive',
    'workitems',
  ],
  // Inference reads and writes the archive over DICOMweb, so that it can run anywhere.
  'apps/inference': [
    'config',
    'telemetry',
    'dicom',
    'reports',
    'images',
    'workers',
    'database',
    'jobs',
    'auth',
    'server',
    'workitems',
  ],
  'apps/storage': ['config', 'telemetry', 'dicom', 'images', 'blobs', 'database', 'jobs', 'auth', 'server', 'archive'],
  'apps/suite': ['config', 'telemetry', 'dicom', 'images', 'workers', 'database', 'processes', 'auth', 'server'],
};

/** Third parties come in by one door each. */
const doors: Record<string, string[]> = {
  dcmjs: ['libs/dicom'],
  saxes: ['libs/dicom'],
  sharp: ['libs/images'],
  koffi: ['libs/images'],
  '@julusian/jpeg-turbo': ['libs/images'],
  yazl: ['apps/dicomweb'],
  'swagger-ui-dist': ['apps/dicomweb'],
  '@fastify/cors': ['libs/server'],
  '@fastify/websocket': ['libs/server'],
  'dcmjs-codecs': ['libs/images'],
  '@cornerstonejs/*': ['libs/images'],
  '@hyzyla/pdfium': ['libs/images'],
  '@aws-sdk/*': ['libs/blobs'],
  'pg-boss': ['libs/jobs'],
  typeorm: ['libs/database'],
  pg: ['libs/database'],
  pino: ['libs/telemetry'],
  'prom-client': ['libs/telemetry'],
  'onnxruntime-node': ['apps/inference'],
  'dicomweb-client': ['apps/inference', 'apps/suite'],
};

const libraries = Object.keys(mayImport)
  .filter((folder) => folder.startsWith('libs/'))
  .map((folder) => folder.slice(5));

function restrict(folder: string) {
  const allowed = mayImport[folder]!;
  const patterns = [
    { group: ['#libs/*/*'], message: 'Across libraries import only #libs/<name>.' },
    ...(folder === 'apps/suite'
      ? []
      : [
          {
            regex: '^(\\.\\./)+((libs|apps)/)?[a-z]+/src/',
            message: 'Across libraries import only #libs/<name>; apps never import each other.',
          },
        ]),
    ...libraries
      .filter((library) => !allowed.includes(library))
      .map((library) => ({
        group: [`#libs/${library}`],
        message: `${folder} may import only ${allowed.map((name) => `#libs/${name}`).join(', ') || 'no library of ours'}.`,
      })),
    ...Object.entries(doors)
      .filter(([, places]) => !places.includes(folder))
      .map(([name, places]) => ({ group: [name], message: `${name} comes in through ${places.join(' and ')} only.` })),
  ];
  return {
    files: [`${folder}/src/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns }] as never },
  };
}

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc'],
  categories: { correctness: 'error' },
  ignorePatterns: ['dist/**', 'data/**', 'node_modules/**'],
  rules: {
    'import/no-cycle': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'off',
    'no-console': 'off',
    'no-control-regex': 'off',
    'unicorn/no-new-array': 'off',
    'no-unused-vars': 'error',
  },
  overrides: Object.keys(mayImport).map(restrict),
});
