/** The parts of OpenAPI 3.1 that we write. */
export interface Document {
  openapi: '3.1.0';
  info: Record<string, unknown>;
  servers: { url: string; description?: string }[];
  tags: { name: string; description: string }[];
  security: Record<string, string[]>[];
  paths: Paths;
  components: Record<string, Record<string, unknown>>;
}

export type Schema = Record<string, unknown>;
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options';
/** By path, with `{name}` where a part of it is given, and by method. */
export type Paths = Record<string, Partial<Record<Method, Operation>>>;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description: string;
  schema: Schema;
  explode?: boolean;
  style?: string;
  example?: unknown;
}

export interface Answer {
  description: string;
  headers?: Record<string, { description?: string; schema: Schema }>;
  content?: Record<string, { schema?: Schema; example?: unknown }>;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { required: boolean; description?: string; content: NonNullable<Answer['content']> };
  responses: Record<string, Answer | { $ref: string }>;
  security?: Record<string, string[]>[];
}

/** One area of the interface: its tag, and what is served under it. */
export interface Area {
  tag: { name: string; description: string };
  paths: Paths;
}

/** A schema of `components`. */
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
/** A query or header parameter of `components`. */
export const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` });

/** Parts of the path. They are declared where they are used: OpenAPI asks for each of them by name. */
export function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    ...(describedParts[name!] ?? { description: name!, schema: { type: 'string' } }),
  }));
}

const uid = (description: string) => ({ description, schema: ref('Uid') });

const describedParts: Record<string, Pick<Parameter, 'description' | 'schema' | 'example'>> = {
  study: uid('Study Instance UID'),
  series: uid('Series Instance UID'),
  instance: uid('SOP Instance UID'),
  studyInstanceUid: uid('Study Instance UID'),
  workitem: uid('SOP Instance UID of the workitem'),
  workitemUid: uid('SOP Instance UID of the workitem'),
  resource: uid('SOP Instance UID of a workitem, or 1.2.840.10008.5.1.4.34.5 for all, …34.5.1 for those that match'),
  aet: { description: 'AE title of the subscriber', schema: { type: 'string', maxLength: 16 } },
  requester: { description: 'AE title of who asks', schema: { type: 'string', maxLength: 16 } },
  frames: {
    description: 'Frame numbers from 1, separated by commas; the answer has them in this order',
    schema: { type: 'string', pattern: String.raw`^\d+(,\d+)*$` },
    example: '1,2,3',
  },
  deletionId: { description: 'Identifier of the deletion', schema: { type: 'string', format: 'uuid' } },
  path: {
    description: 'GGGGEEEE, or through sequences GGGGEEEE/0/GGGGEEEE',
    schema: { type: 'string' },
    example: '7FE00010',
  },
  packId: { description: 'Identifier of the pack', schema: { type: 'string', format: 'uuid' } },
};

const problem = { content: { 'application/problem+json': { schema: ref('Problem') } } };

const errors: Record<number, Answer> = {
  400: { description: 'The request is malformed: `detail` says what and where.', ...problem },
  401: {
    description: 'The suite was started with an API token, and the request has none or a wrong one.',
    headers: { 'WWW-Authenticate': { schema: { const: 'Bearer' } } },
    ...problem,
  },
  403: { description: 'Not from this host name or origin, not with this role, or not in this name.', ...problem },
  404: { description: 'There is nothing of this name.', ...problem },
  406: {
    description: 'None of the accepted media types or transfer syntaxes can be had; `possible` lists those that can.',
    ...problem,
  },
  409: { description: 'The request contradicts the present state; `detail` says which.', ...problem },
  410: { description: 'It was deleted; `detail` says when, and until when it can be brought back.', ...problem },
  413: { description: 'More than one request may have.', ...problem },
  415: { description: 'The body has a media type that is not taken here.', ...problem },
  416: { description: 'The range begins after the end.', ...problem },
  422: {
    description: 'What was sent was read and is not right; `detail` says what, `problems` line by line.',
    ...problem,
  },
  503: {
    description: 'Overloaded, or the bytes are out of reach for now.',
    headers: { 'Retry-After': { description: 'seconds', schema: { type: 'integer' } } },
    ...problem,
  },
  507: { description: 'There is no room for it; `detail` says where.', ...problem },
};

/** The responses that an operation shares with others, of `components`. */
export const errorComponents = Object.fromEntries(
  Object.entries(errors).map(([status, answer]) => [`Error${status}`, answer]),
);

/** Answers of these statuses, by reference; 401 and 403 are every route's. */
export function failures(...statuses: (keyof typeof errors)[]): Record<string, { $ref: string }> {
  return Object.fromEntries(
    [...statuses, 401, 403].map((status) => [String(status), { $ref: `#/components/responses/Error${status}` }]),
  );
}

/** JSON of a schema. */
export const json = (schema: Schema, example?: unknown): NonNullable<Answer['content']> => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});
