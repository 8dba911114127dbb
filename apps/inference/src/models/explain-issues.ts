import type { z } from 'zod';
import { manifestJsonSchema } from './manifest-schema.js';

type Schema = {
  properties?: Record<string, Schema>;
  items?: Schema;
  prefixItems?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
  examples?: unknown[];
};

const allowedMax = 40;

/** What is wrong with a manifest, a line each: where, what, what is allowed there, and an example of it. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], json: unknown): string[] {
  const root = manifestJsonSchema() as Schema;
  return issues.flatMap((issue) => explain(issue, [], json, root));
}

function explain(issue: z.core.$ZodIssue, before: PropertyKey[], json: unknown, root: Schema): string[] {
  const path = [...before, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of several forms the one that fits best is meant: the fewest complaints.
    const best = issue.errors.reduce((a, b) => (b.length < a.length ? b : a));
    return best.flatMap((one) => explain(one, path, json, root));
  }
  const isDiscriminator = issue.code === 'invalid_union' && typeof issue.discriminator === 'string';
  const at = isDiscriminator && path.at(-1) !== issue.discriminator ? [...path, issue.discriminator as string] : path;
  const schemas = schemasAt(root, at);
  const given = valueAt(json, at);

  let message = issue.message;
  if (isDiscriminator) message = given === undefined ? 'is missing' : `${show(given)} is unknown`;
  else if (issue.code === 'unrecognized_keys') message = `has no key ${issue.keys.map(show).join(', ')}`;
  else if (given === undefined && issue.code === 'invalid_type') message = 'is missing';
  else if (issue.code === 'invalid_format') message = `${show(given)} does not fit: ${issue.message}`;
  else if (issue.code === 'invalid_value') message = `${show(given)} is not among what is allowed`;

  const parts = [message];
  const allowed =
    issue.code === 'unrecognized_keys'
      ? schemasAt(root, path).flatMap(({ properties }) => Object.keys(properties ?? {}))
      : schemas.flatMap((schema) => schema.enum ?? ('const' in schema ? [schema.const] : []));
  if (allowed.length > 0) parts.push(`allowed: ${[...new Set(allowed.map(plain))].slice(0, allowedMax).join(', ')}`);
  const example = schemas.flatMap(({ examples }) => examples ?? [])[0];
  if (example !== undefined) parts.push(`for example ${JSON.stringify(example)}`);
  return [`${pathText(at)}: ${parts.join('; ')}`];
}

/** Every schema that may hold at a path, whichever branch is meant. */
function schemasAt(root: Schema, path: readonly PropertyKey[]): Schema[] {
  let schemas = branches(root);
  for (const part of path) {
    schemas = schemas.flatMap((schema) => {
      const next =
        typeof part === 'number' ? (schema.prefixItems?.[part] ?? schema.items) : schema.properties?.[String(part)];
      return next ? branches(next) : [];
    });
  }
  return schemas;
}

function branches(schema: Schema): Schema[] {
  return [schema, ...[schema.anyOf, schema.oneOf, schema.allOf].flatMap((some) => (some ?? []).flatMap(branches))];
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    json,
  );
}

export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || '(top)';
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
