import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, isLoopback, loadConfig } from './config.js';

const database = { DATABASE_URL: 'postgresql://u:p@db/isocenter' };

describe('loadConfig', () => {
  it('needs nothing: a suite on loopback with its own database and samples', () => {
    expect(loadConfig('suite', {})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      dataDir: path.resolve('data'),
      databaseUrl: undefined,
      samples: true,
      s3: undefined,
      logLevel: 'warn',
    });
  });

  it('sends no samples into a database that is not its own', () => {
    expect(loadConfig('suite', database)).toMatchObject({ samples: false, logLevel: 'info' });
    expect(loadConfig('suite', { ...database, ISOCENTER_SAMPLES: 'on' }).samples).toBe(true);
    expect(loadConfig('suite', { ISOCENTER_SAMPLES: 'off' }).samples).toBe(false);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig('suite', { ISOCENTER_PORT: '', DATABASE_URL: '' })).toMatchObject({
      port: 8080,
      databaseUrl: undefined,
    });
  });

  it('gives each app alone a port of its own', () => {
    const more = { ...database, ISOCENTER_DICOMWEB_URL: 'http://archive:8080/dicom-web/' };
    const ports = (['dicomweb', 'router', 'inference', 'storage'] as const).map((app) => loadConfig(app, more).port);
    expect(new Set(ports).size).toBe(4);
    expect(loadConfig('inference', more).dicomwebUrl).toBe('http://archive:8080/dicom-web');
  });

  it('names every variable that is wrong at once', () => {
    const load = () =>
      loadConfig('suite', { ISOCENTER_PORT: '99999', ISOCENTER_SAMPLES: 'maybe', DATABASE_URL: 'mysql://x' });
    expect(load).toThrow(ConfigError);
    for (const name of ['ISOCENTER_PORT', 'ISOCENTER_SAMPLES', 'DATABASE_URL']) expect(load).toThrow(name);
  });

  it.each([
    ['an app alone without a database', 'router', {}, 'DATABASE_URL'],
    ['an inference worker without an archive', 'inference', database, 'ISOCENTER_DICOMWEB_URL'],
    ['an open address without a token', 'suite', { ISOCENTER_HOST: '0.0.0.0' }, 'ISOCENTER_API_TOKEN'],
    ['a short token', 'suite', { ISOCENTER_API_TOKEN: 'secret' }, '32 characters'],
    ['half of the S3 credentials', 'suite', { S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'k' }, 'S3_SECRET_ACCESS_KEY'],
    ['every origin without a token', 'suite', { ISOCENTER_CORS_ORIGINS: '*' }, 'ISOCENTER_API_TOKEN'],
    ['an origin with a path', 'suite', { ISOCENTER_CORS_ORIGINS: 'http://a.example/viewer' }, 'is no origin'],
    ['an origin without a scheme', 'suite', { ISOCENTER_CORS_ORIGINS: 'http://a.example,b.example' }, 'b.example'],
  ] as const)('refuses %s and says what to do', (_what, app, environment, message) => {
    expect(() => loadConfig(app, environment)).toThrow(message);
  });

  it('lets no web page of another origin in, and those that are named', () => {
    const originsOf = (environment: Record<string, string>) => loadConfig('suite', environment).corsOrigins;
    expect(originsOf({})).toEqual([]);
    expect(originsOf({ ISOCENTER_CORS_ORIGINS: 'http://localhost:3000, https://viewer.example.org/' })).toEqual([
      'http://localhost:3000',
      'https://viewer.example.org',
    ]);
    expect(originsOf({ ISOCENTER_CORS_ORIGINS: '*', ISOCENTER_API_TOKEN: 'x'.repeat(32) })).toBe('*');
  });

  it('answers an empty search with 204 unless told 200, and gives one 20 seconds', () => {
    expect(loadConfig('suite', {})).toMatchObject({ emptySearchStatus: 204, searchSeconds: 20 });
    const environment = { ISOCENTER_EMPTY_SEARCH_STATUS: '200', ISOCENTER_SEARCH_SECONDS: '2.5' };
    expect(loadConfig('suite', environment)).toMatchObject({ emptySearchStatus: 200, searchSeconds: 2.5 });
    const wrong = { ISOCENTER_EMPTY_SEARCH_STATUS: '404', ISOCENTER_SEARCH_SECONDS: '0' };
    for (const name of Object.keys(wrong)) expect(() => loadConfig('suite', wrong)).toThrow(name);
  });

  it('is frozen', () => {
    const config = loadConfig('suite', { S3_BUCKET: 'b' });
    expect(() => Object.assign(config, { port: 1 })).toThrow();
    expect(() => Object.assign(config.s3 ?? {}, { bucket: 'x' })).toThrow();
  });
});

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['10.0.0.1', false],
    ['127.0.0.1.example.org', false],
  ])('%s: %p', (host, answer) => expect(isLoopback(host)).toBe(answer));
});
