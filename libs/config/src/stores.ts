import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const tier = z.enum(['hot', 'warm', 'cold']);
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower case letters, digits and hyphens');

/** In any one currency; a dry run tells what moves would cost in it. */
const prices = z
  .strictObject({
    gbMonth: z.number().nonnegative().default(0),
    thousandWrites: z.number().nonnegative().default(0),
    thousandReads: z.number().nonnegative().default(0),
    gbRead: z.number().nonnegative().default(0),
  })
  .readonly();

const common = {
  name,
  tier,
  /** Nothing new goes there; what is there is read. */
  readOnly: z.boolean().default(false),
  /** No more than so much, by what the index says is there. */
  maxGb: z.number().positive().optional(),
  prices: prices.optional(),
};

const folder = z.strictObject({ kind: z.literal('filesystem'), ...common, path: z.string().min(1) });

const bucket = z.strictObject({
  kind: z.literal('s3'),
  ...common,
  bucket: z.string().min(1),
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  region: z.string().default('us-east-1'),
  prefix: z.string().default(''),
  accessKeyId: z.string().optional(),
  secretAccessKey: z.string().optional(),
  forcePathStyle: z.boolean().default(false),
  storageClass: z.string().optional(),
  /** The class can be read only after a restore. */
  archive: z
    .strictObject({
      /** How an object gets into the class: by a copy onto itself, or by a lifecycle rule of the bucket. */
      by: z.enum(['copy', 'lifecycle']).default('copy'),
      restoreDays: z.number().int().positive().default(2),
      restoreTier: z.enum(['Expedited', 'Standard', 'Bulk']).default('Standard'),
    })
    .optional(),
  encryption: z
    .strictObject({ algorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']), keyId: z.string().optional() })
    .optional(),
  /** Of what is read from there, on the local disk. */
  readCacheGb: z.number().positive().optional(),
});

const storesSchema = z.array(z.discriminatedUnion('kind', [folder, bucket])).min(1);

export type StorePrices = z.infer<typeof prices>;
export type FilesystemStoreConfig = z.infer<typeof folder>;
export type S3StoreConfig = z.infer<typeof bucket>;
export type StoreConfig = FilesystemStoreConfig | S3StoreConfig;

/**
 * The stores of an installation, from `ISOCENTER_STORES`: JSON, or `@` and the path of a file of it.
 * @throws Error that says which store is wrong, and how
 */
export function readStores(text: string): readonly StoreConfig[] {
  let given: unknown;
  try {
    given = JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
  } catch (error) {
    throw new Error(`it cannot be read as JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = storesSchema.safeParse(given);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `[${issue.path.join('.')}] ${issue.message}`).join('; '));
  }
  const stores = parsed.data.map((store) =>
    store.kind === 'filesystem' ? { ...store, path: path.resolve(store.path) } : store,
  );
  const names = stores.map((store) => store.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw new Error(`two stores are called ${twice}`);
  if (!stores.some((store) => store.tier === 'hot' && !store.readOnly)) {
    throw new Error('no store of the tier hot takes new studies');
  }
  const half = stores.find(
    (store) => store.kind === 's3' && (store.accessKeyId === undefined) !== (store.secretAccessKey === undefined),
  );
  if (half !== undefined) throw new Error(`${half.name}: accessKeyId and secretAccessKey belong together`);
  return Object.freeze(stores);
}
