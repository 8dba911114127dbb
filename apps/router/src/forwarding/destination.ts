import { type DataSource, execute, query, type Transaction } from '#libs/database';
import { z } from 'zod';
import { destinationName } from '../routing/parse-rule.js';

/** Another DICOMweb archive. What it is asked with (`authorization`) is never given out. */
export interface Destination {
  name: string;
  /** Its DICOMweb root, without a trailing slash. */
  url: string;
  isEnabled: boolean;
  /** Whether it may be in a network that is not of the public internet, and be spoken to without TLS there. */
  allowsPrivateAddresses: boolean;
  hasAuthorization: boolean;
  createdAt: Date;
  updatedAt: Date;
}

export const destinationBody = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'the DICOMweb root, such as https://pacs.example.org/dicom-web' }).max(500),
  isEnabled: z.boolean().default(true),
  allowsPrivateAddresses: z.boolean().default(false),
  /** The Authorization header, whole: `Bearer …` or `Basic …`; null takes it away, left out it stays. */
  authorization: z
    .string()
    .max(4_000)
    .regex(
      /^[\x21-\x7e]+ [\x20-\x7e]+$/,
      'an Authorization header: a scheme and what goes with it, such as "Bearer abc"',
    )
    .nullable()
    .optional(),
});
export type DestinationSettings = z.infer<typeof destinationBody>;

export function isDestinationName(name: string): boolean {
  return destinationName.test(name);
}

interface DestinationRow {
  name: string;
  url: string;
  is_enabled: boolean;
  allows_private_addresses: boolean;
  has_authorization: boolean;
  created_at: Date;
  updated_at: Date;
}

const columns = `name, url, is_enabled, allows_private_addresses, authorization_header is not null as has_authorization,
  created_at, updated_at`;

export async function listDestinations(db: DataSource | Transaction): Promise<Destination[]> {
  const rows = await query<DestinationRow>(db, `select ${columns} from destination order by name`);
  return rows.map(toDestination);
}

export async function saveDestination(
  db: DataSource | Transaction,
  name: string,
  { url, isEnabled, allowsPrivateAddresses, authorization }: DestinationSettings,
): Promise<Destination> {
  const [row] = await query<DestinationRow>(
    db,
    `insert into destination as d (name, url, is_enabled, allows_private_addresses, authorization_header)
     values ($1, $2, $3, $4, $5)
     on conflict on constraint pk_destination do update
       set url = $2, is_enabled = $3, allows_private_addresses = $4,
           -- What proves us to one address is nothing for another.
           authorization_header = case when $6 then $5 when d.url = $2 then d.authorization_header end,
           updated_at = now()
     returning ${columns}`,
    [
      name,
      url.replace(/\/+$/, ''),
      isEnabled,
      allowsPrivateAddresses,
      authorization ?? null,
      authorization !== undefined,
    ],
  );
  return toDestination(row!);
}

/** @returns false when there is none */
export async function deleteDestination(tx: Transaction, name: string): Promise<boolean> {
  return (await execute(tx, 'delete from destination where name = $1', [name])) > 0;
}

/** Where and with what it is spoken to. */
export interface DestinationAccess {
  name: string;
  url: string;
  isEnabled: boolean;
  allowsPrivateAddresses: boolean;
  authorization: string | null;
}

/** @returns undefined when there is none */
export async function openDestination(db: DataSource, name: string): Promise<DestinationAccess | undefined> {
  const [row] = await query<DestinationRow & { authorization_header: string | null }>(
    db,
    `select ${columns}, authorization_header from destination where name = $1`,
    [name],
  );
  return row && { ...toDestination(row), authorization: row.authorization_header };
}

function toDestination(row: DestinationRow): Destination {
  return {
    name: row.name,
    url: row.url,
    isEnabled: row.is_enabled,
    allowsPrivateAddresses: row.allows_private_addresses,
    hasAuthorization: row.has_authorization,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
