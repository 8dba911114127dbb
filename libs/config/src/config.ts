import { isIP } from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { type Account, readAccounts } from './accounts.js';
import { ConfigError } from './config-error.js';

export { ConfigError };
import { readStores, type StoreConfig } from './stores.js';

/** The apps that can run alone; `suite` is all four in one process. */
export const appNames = ['suite', 'dicomweb', 'router', 'inference', 'storage'] as const;
export type AppName = (typeof appNames)[number];

/** Where each app listens when it runs alone and ISOCENTER_PORT is not given. */
const defaultPorts: Record<AppName, number> = {
  suite: 8080,
  dicomweb: 8080,
  router: 8081,
  inference: 8082,
  storage: 8083,
};

const flag = z.enum(['on', 'off', 'true', 'false', '1', '0']).transform((value) => ['on', 'true', '1'].includes(value));
const whole = z.coerce.number().int().positive();

/** A comma-separated list of origins (scheme, host, port), or `*`. */
function readOrigins(text: string, context: z.RefinementCtx): readonly string[] | '*' {
  const origins = text
    .split(',')
    .map((origin) => origin.trim().replace(/\/$/, ''))
    .filter((origin) => origin !== '');
  if (origins.length === 1 && origins[0] === '*') return '*';
  for (const origin of origins) {
    if (/^https?:/.test(origin) && URL.parse(origin)?.origin === origin) continue;
    context.addIssue(
      `${JSON.stringify(origin)} is no origin: give scheme, host and port as browsers do, for example http://localhost:3000,https://viewer.example.org`,
    );
  }
  return Object.freeze(origins);
}

function readStoresOf(text: string, context: z.RefinementCtx): readonly StoreConfig[] {
  try {
    return readStores(text);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
}

/** A comma-separated list of networks (`10.20.0.0/16`) and single addresses. */
function readNetworks(text: string, context: z.RefinementCtx): readonly string[] {
  const networks = text
    .split(',')
    .map((network) => network.trim())
    .filter((network) => network !== '');
  for (const network of networks) {
    const [address = '', bits, ...rest] = network.split('/');
    const most = { 4: 32, 6: 128 }[isIP(address)];
    const isSize = bits === undefined || (/^\d{1,3}$/.test(bits) && most !== undefined && Number(bits) <= most);
    if (most !== undefined && isSize && rest.length === 0) continue;
    context.addIssue(`${JSON.stringify(network)} is no network: write it as 10.20.0.0/16 or as one address`);
  }
  return Object.freeze(networks);
}

const environmentSchema = z.object({
  ISOCENTER_HOST: z.string().default('127.0.0.1'),
  ISOCENTER_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  ISOCENTER_HTTP_PROCESSES: z.coerce.number().int().min(1).max(64).default(1),
  ISOCENTER_DATA_DIR: z.string().default('./data'),
  ISOCENTER_MODELS_DIR: z.string().default('./models'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  ISOCENTER_SAMPLES: flag.optional(),
  ISOCENTER_DICOMWEB_URL: z.url({ protocol: /^https?$/ }).optional(),
  ISOCENTER_API_TOKEN: z.string().min(32, 'at least 32 characters, for example from `openssl rand -hex 32`').optional(),
  ISOCENTER_TOKENS_FILE: z.string().optional(),
  ISOCENTER_WEBHOOK_NETWORKS: z.string().transform(readNetworks).optional(),
  ISOCENTER_CORS_ORIGINS: z.string().transform(readOrigins).optional(),
  ISOCENTER_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional(),
  ISOCENTER_QUIET_PERIOD_SECONDS: z.coerce.number().positive().default(5),
  ISOCENTER_PERFORMER_SILENT_SECONDS: whole.default(900),
  ISOCENTER_SEARCH_SECONDS: z.coerce.number().positive().max(3600).default(20),
  ISOCENTER_EMPTY_SEARCH_STATUS: z.enum(['204', '200']).default('204'),
  ISOCENTER_EXECUTION_PROVIDERS: z.string().default('cpu'),
  ISOCENTER_IMAGE_WORKERS: whole.default(2),
  ISOCENTER_INFERENCE_WORKERS: whole.default(1),
  ISOCENTER_INFERENCE_IDLE_MINUTES: z.coerce.number().positive().max(20_000).default(10),
  ISOCENTER_MODEL_MEMORY_BYTES: whole.default(2 * 1024 ** 3),
  ISOCENTER_BATCH_ITEMS: whole.default(8),
  ISOCENTER_MODEL_WARM_UP: z.enum(['arriving', 'start', 'off']).default('arriving'),
  ISOCENTER_WARM_AFTER_DAYS: z.coerce.number().positive().default(30),
  ISOCENTER_COLD_AFTER_DAYS: z.coerce.number().positive().default(365),
  ISOCENTER_STORES: z.string().transform(readStoresOf).optional(),
  ISOCENTER_SPACE_RESERVE_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(2 * 1024 ** 3),
  ISOCENTER_HOT_QUOTA_BYTES: whole.optional(),
  ISOCENTER_SCRUB_DAYS: z.coerce.number().positive().default(30),
  ISOCENTER_SCRUB_BYTES_PER_SECOND: whole.default(20 * 1024 ** 2),
  ISOCENTER_PRIOR_STUDIES: z.coerce.number().int().nonnegative().default(3),
  ISOCENTER_GRACE_HOURS: z.coerce.number().nonnegative().default(72),
  ISOCENTER_COERCION: z.enum(['off', 'study']).default('off'),
  ISOCENTER_CONFLICT_POLICY: z.enum(['reject', 'replace']).default('reject'),
  ISOCENTER_CHANGE_FEED_DAYS: z.coerce.number().positive().optional(),
  ISOCENTER_ACCEPT_DATA_LOSS: flag.default(false),
  S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_BUCKET: z.string().optional(),
  S3_PREFIX: z.string().default(''),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  S3_FORCE_PATH_STYLE: flag.default(false),
  S3_COLD_STORAGE_CLASS: z.string().optional(),
});

/** Limits on what comes from outside. Sizes in bytes, times in milliseconds. */
export interface Limits {
  readonly stowPartsMax: number;
  readonly stowPartBytesMax: number;
  readonly stowPartHeaderBytesMax: number;
  /** Metadata (JSON or XML) of a request that stores it with its bulk data, as text. */
  readonly stowMetadataBytesMax: number;
  /** Bulk data that waits on disk for its metadata to be made instances, of one request. */
  readonly stowSpooledBytesMax: number;
  /** What a body sent in a Content-Encoding may decode to. */
  readonly stowDecodedBytesMax: number;
  readonly framesPerRequestMax: number;
  readonly qidoResultsMax: number;
  readonly jsonBodyBytesMax: number;
  /** The request line and the header fields together. */
  readonly requestHeadBytesMax: number;
  /** DICOMweb requests under way in the processes of a port; each takes its share of them, and answers the next with 503. */
  readonly requestsAtOnceMax: number;
  /** Of them, those that send a body. */
  readonly uploadsAtOnceMax: number;
  readonly requestIdleMillisecondsMax: number;
  /** Pictures that were made, kept on disk to be given again. */
  readonly pictureStoreBytesMax: number;
}

export interface S3Config {
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly forcePathStyle: boolean;
  readonly coldStorageClass: string | undefined;
}

/** Everything that can be configured, read once at start and passed on. */
export interface Config {
  readonly app: AppName;
  readonly host: string;
  readonly port: number;
  /** Processes that share the port: of the apps that serve images. */
  readonly httpProcesses: number;
  readonly dataDir: string;
  readonly modelsDir: string;
  /** undefined: an embedded PostgreSQL in the data folder. */
  readonly databaseUrl: string | undefined;
  readonly samples: boolean;
  /** Where workers find the archive, without a trailing slash. undefined: this process serves it itself. */
  readonly dicomwebUrl: string | undefined;
  readonly apiToken: string | undefined;
  /** People and performers with tokens of their own; empty: everybody who may ask is the same. */
  readonly accounts: readonly Account[];
  /** Networks to which webhooks may be sent though they are private, and in clear text. */
  readonly webhookNetworks: readonly string[];
  /** Web pages of these origins, beside our own, may use this server from a browser. */
  readonly corsOrigins: readonly string[] | '*';
  readonly logLevel: string;
  readonly quietPeriodSeconds: number;
  /** How long who claimed an AI task over UPS-RS may say nothing before it is offered again. */
  readonly performerSilentSecondsMax: number;
  /** A search that takes longer is too broad to be answered. */
  readonly searchSeconds: number;
  /** What a search without results answers: 204 without a body (PS3.18 8.3.4.4.1), or 200 with an empty list. */
  readonly emptySearchStatus: 200 | 204;
  readonly executionProviders: readonly string[];
  readonly imageWorkers: number;
  readonly inferenceWorkers: number;
  /** A child process that runs models ends when it had nothing to do for so long. */
  readonly inferenceIdleMinutes: number;
  /** Of the networks that one child process keeps open. */
  readonly modelMemoryBytes: number;
  /** Pictures, tiles or leads of one batch, of however many studies. */
  readonly batchItems: number;
  /** When networks are opened before a study needs them: when one that they will be given is coming in, or at the start too. */
  readonly modelWarmUp: 'arriving' | 'start' | 'off';
  readonly warmAfterDays: number;
  readonly coldAfterDays: number;
  /** So many of a patient's earlier studies are brought near when one of them is to be read or a step is scheduled; 0: none. */
  readonly priorStudies: number;
  readonly graceHours: number;
  /**
   * What names another patient or study than its study does: stored as it is with a warning, or made to say what the
   * archive says, with a record of what it said.
   */
  readonly coercion: 'off' | 'study';
  /** What comes under a SOP Instance UID that is here with other content: it is refused, or becomes the new version. */
  readonly conflictPolicy: 'reject' | 'replace';
  /** How long the change feed goes back; undefined: to the beginning. */
  readonly changeFeedDays: number | undefined;
  readonly acceptDataLoss: boolean;
  /** Where bytes may lie, the nearest tier first. */
  readonly stores: readonly StoreConfig[];
  /** Nothing new is taken in while the file system of a hot store has less than this, and a hundredth of it, left. */
  readonly spaceReserveBytes: number;
  /** Nothing new is taken in while the hot tier holds so much; undefined: as much as there is room for. */
  readonly hotQuotaBytes: number | undefined;
  /** Within so many days the digest of every copy is compared. */
  readonly scrubDays: number;
  readonly scrubBytesPerSecond: number;
  readonly s3: S3Config | undefined;
  readonly limits: Limits;
}

const limits: Limits = Object.freeze({
  stowPartsMax: 10_000,
  // Slides of one file have more than 4 GiB; what bounds memory is not this.
  stowPartBytesMax: 16 * 1024 ** 3,
  stowPartHeaderBytesMax: 16 * 1024,
  stowMetadataBytesMax: 64 * 1024 ** 2,
  stowSpooledBytesMax: 16 * 1024 ** 3,
  stowDecodedBytesMax: 16 * 1024 ** 3,
  framesPerRequestMax: 10_000,
  qidoResultsMax: 1_000,
  jsonBodyBytesMax: 16 * 1024 ** 2,
  // A search may name hundreds of UIDs in its URL.
  requestHeadBytesMax: 64 * 1024,
  requestsAtOnceMax: 2_000,
  uploadsAtOnceMax: 200,
  requestIdleMillisecondsMax: 30_000,
  pictureStoreBytesMax: 1024 ** 3,
});

/**
 * Reads the environment into one frozen object.
 * @throws ConfigError naming every variable that is wrong and what it should be; nothing starts on half a configuration.
 */
export function loadConfig(app: AppName, environment: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`The configuration is not usable:\n${problems.join('\n')}`);
  }
  const env = parsed.data;
  if (app !== 'suite' && env.DATABASE_URL === undefined) {
    throw new ConfigError(
      `The ${app} app runs beside the others and needs their database: set DATABASE_URL (the suite alone brings its own).`,
    );
  }
  if (app === 'inference' && env.ISOCENTER_DICOMWEB_URL === undefined) {
    throw new ConfigError(
      'The inference app reads and stores over DICOMweb: set ISOCENTER_DICOMWEB_URL, for example http://127.0.0.1:8080/dicom-web',
    );
  }
  if (!isLoopback(env.ISOCENTER_HOST) && env.ISOCENTER_API_TOKEN === undefined) {
    throw new ConfigError(
      `ISOCENTER_HOST=${env.ISOCENTER_HOST} can be reached from other machines: set ISOCENTER_API_TOKEN, or listen on 127.0.0.1.`,
    );
  }
  if (env.ISOCENTER_CORS_ORIGINS === '*' && env.ISOCENTER_API_TOKEN === undefined) {
    throw new ConfigError(
      'ISOCENTER_CORS_ORIGINS=* without ISOCENTER_API_TOKEN would let every web page that a browser on this machine visits read the archive: name the origins, or set a token.',
    );
  }
  return Object.freeze({
    app,
    host: env.ISOCENTER_HOST,
    port: env.ISOCENTER_PORT ?? defaultPorts[app],
    httpProcesses: app === 'suite' || app === 'dicomweb' ? env.ISOCENTER_HTTP_PROCESSES : 1,
    dataDir: path.resolve(env.ISOCENTER_DATA_DIR),
    modelsDir: path.resolve(env.ISOCENTER_MODELS_DIR),
    databaseUrl: env.DATABASE_URL,
    samples: env.ISOCENTER_SAMPLES ?? (app === 'suite' && env.DATABASE_URL === undefined),
    dicomwebUrl: env.ISOCENTER_DICOMWEB_URL?.replace(/\/+$/, ''),
    apiToken: env.ISOCENTER_API_TOKEN,
    accounts: readAccounts(env.ISOCENTER_TOKENS_FILE, env.ISOCENTER_API_TOKEN),
    webhookNetworks: env.ISOCENTER_WEBHOOK_NETWORKS ?? [],
    corsOrigins: env.ISOCENTER_CORS_ORIGINS ?? [],
    // Who types `npm start` reads the terminal; who runs services collects lines.
    logLevel: env.ISOCENTER_LOG_LEVEL ?? (env.DATABASE_URL === undefined ? 'warn' : 'info'),
    quietPeriodSeconds: env.ISOCENTER_QUIET_PERIOD_SECONDS,
    performerSilentSecondsMax: env.ISOCENTER_PERFORMER_SILENT_SECONDS,
    searchSeconds: env.ISOCENTER_SEARCH_SECONDS,
    emptySearchStatus: env.ISOCENTER_EMPTY_SEARCH_STATUS === '200' ? 200 : 204,
    executionProviders: Object.freeze(env.ISOCENTER_EXECUTION_PROVIDERS.split(',').map((name) => name.trim())),
    imageWorkers: env.ISOCENTER_IMAGE_WORKERS,
    inferenceWorkers: env.ISOCENTER_INFERENCE_WORKERS,
    inferenceIdleMinutes: env.ISOCENTER_INFERENCE_IDLE_MINUTES,
    modelMemoryBytes: env.ISOCENTER_MODEL_MEMORY_BYTES,
    batchItems: env.ISOCENTER_BATCH_ITEMS,
    modelWarmUp: env.ISOCENTER_MODEL_WARM_UP,
    warmAfterDays: env.ISOCENTER_WARM_AFTER_DAYS,
    coldAfterDays: env.ISOCENTER_COLD_AFTER_DAYS,
    priorStudies: env.ISOCENTER_PRIOR_STUDIES,
    graceHours: env.ISOCENTER_GRACE_HOURS,
    coercion: env.ISOCENTER_COERCION,
    conflictPolicy: env.ISOCENTER_CONFLICT_POLICY,
    changeFeedDays: env.ISOCENTER_CHANGE_FEED_DAYS,
    acceptDataLoss: env.ISOCENTER_ACCEPT_DATA_LOSS,
    stores: env.ISOCENTER_STORES ?? usualStores(env, readS3(env)),
    spaceReserveBytes: env.ISOCENTER_SPACE_RESERVE_BYTES,
    hotQuotaBytes: env.ISOCENTER_HOT_QUOTA_BYTES,
    scrubDays: env.ISOCENTER_SCRUB_DAYS,
    scrubBytesPerSecond: env.ISOCENTER_SCRUB_BYTES_PER_SECOND,
    s3: readS3(env),
    limits,
  });
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function readS3(env: z.infer<typeof environmentSchema>): S3Config | undefined {
  if (env.S3_BUCKET === undefined) return undefined;
  if ((env.S3_ACCESS_KEY_ID === undefined) !== (env.S3_SECRET_ACCESS_KEY === undefined)) {
    throw new ConfigError(
      'S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together: set both, or neither to use the machine role.',
    );
  }
  const credentials =
    env.S3_ACCESS_KEY_ID !== undefined && env.S3_SECRET_ACCESS_KEY !== undefined
      ? Object.freeze({ accessKeyId: env.S3_ACCESS_KEY_ID, secretAccessKey: env.S3_SECRET_ACCESS_KEY })
      : undefined;
  return Object.freeze({
    endpoint: env.S3_ENDPOINT,
    region: env.S3_REGION,
    bucket: env.S3_BUCKET,
    prefix: env.S3_PREFIX,
    credentials,
    forcePathStyle: env.S3_FORCE_PATH_STYLE,
    coldStorageClass: env.S3_COLD_STORAGE_CLASS,
  });
}

/** Hot is the data folder; a bucket is warm, and one of its archive classes cold. */
function usualStores(env: z.infer<typeof environmentSchema>, s3: S3Config | undefined): readonly StoreConfig[] {
  const stores: StoreConfig[] = [
    {
      kind: 'filesystem',
      name: 'local',
      tier: 'hot',
      readOnly: false,
      path: path.resolve(env.ISOCENTER_DATA_DIR, 'blobs'),
    },
  ];
  if (s3 !== undefined) {
    const { endpoint, region, bucket, prefix, credentials, forcePathStyle, coldStorageClass } = s3;
    const common = {
      kind: 's3' as const,
      readOnly: false,
      bucket,
      region,
      prefix,
      forcePathStyle,
      ...(endpoint !== undefined && { endpoint }),
      ...credentials,
    };
    stores.push({ ...common, name: 's3', tier: 'warm' });
    if (coldStorageClass !== undefined) {
      const archive = { by: 'copy' as const, restoreDays: 2, restoreTier: 'Standard' as const };
      stores.push({
        ...common,
        name: 's3-cold',
        tier: 'cold',
        storageClass: coldStorageClass,
        ...(archiveClasses.has(coldStorageClass) && { archive }),
      });
    }
  }
  return Object.freeze(stores);
}

/** Those of Amazon S3 that are read only after a restore. */
const archiveClasses = new Set(['GLACIER', 'DEEP_ARCHIVE']);
