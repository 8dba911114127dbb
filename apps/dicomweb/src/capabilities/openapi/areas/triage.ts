import {
  type Area,
  failures,
  json,
  type Operation,
  type Parameter,
  pathParameters,
  ref,
  type Schema,
} from '../operation.js';

const tag = {
  name: 'Triage',
  description:
    'What readers say, service levels, webhooks, and how long studies wait. Roles are those of named tokens.',
};

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer' };
const time: Schema = { type: 'string', format: 'date-time' };
const flag: Schema = { type: 'boolean' };
const priority: Schema = { enum: ['HIGH', 'MEDIUM', 'LOW'] };
const events: Schema = { type: 'array', items: { enum: ['result', 'escalation'] } };
const orNull = (type: string): Schema => ({ type: [type, 'null'] });
const list = (items: Schema): Schema => ({ type: 'array', items });
const object = (properties: Record<string, Schema>, required: string[] = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
});

const level = { readWithinMinutes: count, escalateBeforeMinutes: count };
const levels = object({
  levels: list(object({ specialty: text, priority, ...level, updatedBy: orNull('string'), updatedAt: time })),
});
const settings = {
  name: text,
  url: { type: 'string', format: 'uri' },
  events,
  specialties: { type: ['array', 'null'], items: text },
  isEnabled: flag,
};
const webhook = {
  webhookId: { type: 'string', format: 'uuid' },
  ...settings,
  createdBy: orNull('string'),
  createdAt: time,
  updatedAt: time,
  deliveries: object({ waiting: count, delivered: count, dead: count }),
};
const delivery = object({
  deliveryId: { type: 'string', format: 'uuid' },
  webhookId: { type: 'string', format: 'uuid' },
  event: text,
  state: { enum: ['waiting', 'delivered', 'dead'] },
  attempts: count,
  status: orNull('integer'),
  problem: orNull('string'),
  createdAt: time,
  lastAttemptAt: orNull('string'),
  deliveredAt: orNull('string'),
  body: { type: 'object' },
});
const figure = object({
  samples: count,
  medianSeconds: orNull('number'),
  p90Seconds: orNull('number'),
  p95Seconds: orNull('number'),
  longestSeconds: orNull('number'),
});
const choices = list(object({ value: text, count }));

interface Given {
  description?: string;
  query?: Parameter[];
  body?: Schema;
  example?: unknown;
  status?: 200 | 201 | 202 | 204;
  answer?: Schema;
  errors?: (400 | 403 | 404 | 409)[];
}

/** An operation of this area. @param path where it is, for the parts that it declares */
function operation(path: string, operationId: string, summary: string, given: Given = {}): Operation {
  const { description, query = [], body, example, status = 200, answer, errors = [] } = given;
  const said = { 200: 'As asked.', 201: 'It is kept.', 202: 'It is on its way.', 204: 'It is so.' }[status];
  const parameters = [...pathParameters(path), ...query];
  return {
    operationId,
    tags: [tag.name],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: json(body, example) } }),
    responses: {
      [status]: { description: said, ...(answer !== undefined && { content: json(answer) }) },
      ...failures(...errors),
    },
  };
}

const query = (name: string, description: string, schema: Schema): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});

const asPriority = '/api/worklist/{workitemUid}/priority';
const asReviews = '/api/worklist/{workitemUid}/reviews';
const timeline = '/api/studies/{studyInstanceUid}/timeline';
const oneLevel = '/api/service-levels/{specialty}/{priority}';
const hooks = '/api/webhooks';
const hook = `${hooks}/{webhookId}`;
const sent = `${hooks}/deliveries`;
const oneSent = `${sent}/{deliveryId}`;

export const triageArea: Area = {
  tag,
  paths: {
    '/api/worklist/choices': {
      get: operation('', 'listWorklistChoices', 'What the open studies can be filtered by', {
        answer: object({ specialty: choices, modality: choices, bodyPart: choices, ai: choices }),
      }),
    },
    [asPriority]: {
      post: operation(asPriority, 'prioritiseReading', 'Raise or lower a study, with the reason', {
        body: object({ priority: { enum: ['HIGH', 'MEDIUM', 'LOW', null] }, reason: text, reader: text }, [
          'priority',
          'reason',
        ]),
        example: { priority: 'HIGH', reason: 'The ward called' },
        answer: ref('ReadingState'),
        errors: [400, 403, 404, 409],
      }),
    },
    [asReviews]: {
      post: operation(asReviews, 'reviewResult', 'Agree or disagree with what a model said', {
        description: 'Kept at once, and stored in the study as a structured report that cites the model’s.',
        body: object(
          {
            result: ref('Uid'),
            verdict: { enum: ['agree', 'disagree'] },
            finding: orNull('string'),
            comment: text,
            reader: text,
          },
          ['result', 'verdict'],
        ),
        status: 201,
        answer: ref('FindingReview'),
        errors: [400, 403, 404],
      }),
    },
    [timeline]: {
      get: operation(timeline, 'readTimeline', 'What happened to a study, and when', {
        answer: object({
          events: list(object({ at: time, kind: text, text, actor: orNull('string'), detail: { type: 'object' } })),
        }),
        errors: [404],
      }),
    },
    '/api/service-levels': {
      get: operation('', 'listServiceLevels', 'Within how long studies are read', { answer: levels }),
    },
    [oneLevel]: {
      put: operation(oneLevel, 'setServiceLevel', 'Set one; open readings follow', {
        body: object(level),
        example: { readWithinMinutes: 60, escalateBeforeMinutes: 15 },
        answer: levels,
        errors: [400, 403, 404],
      }),
      delete: operation(oneLevel, 'removeServiceLevel', 'Let "*" hold again', { status: 204, errors: [403, 404, 409] }),
    },
    [hooks]: {
      get: operation(hooks, 'listWebhooks', 'Who is told of results and escalations', {
        answer: object({ webhooks: list(object(webhook)) }),
        errors: [403],
      }),
      post: operation(hooks, 'createWebhook', 'Tell somebody; the only answer with the secret', {
        body: object(settings, ['name', 'url']),
        example: { name: 'RIS', url: 'https://ris.example.org/hooks/isocenter', events: ['result', 'escalation'] },
        status: 201,
        answer: object({ ...webhook, secret: text }),
        errors: [400, 403],
      }),
    },
    [hook]: {
      get: operation(hook, 'readWebhook', 'One webhook', { answer: object(webhook), errors: [403, 404] }),
      patch: operation(hook, 'changeWebhook', 'Change what is given', {
        body: object(settings, []),
        answer: object(webhook),
        errors: [400, 403, 404],
      }),
      delete: operation(hook, 'removeWebhook', 'Tell it no more', { status: 204, errors: [403, 404] }),
    },
    [`${hook}/secret`]: {
      post: operation(hook, 'renewWebhookSecret', 'Another secret', {
        status: 201,
        answer: object({ secret: text }),
        errors: [403, 404],
      }),
    },
    [`${hook}/test`]: {
      post: operation(hook, 'testWebhook', 'Send it an event of type test', {
        status: 202,
        answer: object({ deliveryId: text }),
        errors: [403, 404],
      }),
    },
    [`${hook}/retry`]: {
      post: operation(hook, 'retryWebhook', 'Send again all that was given up', {
        status: 202,
        answer: object({ retried: count }),
        errors: [403, 404],
      }),
    },
    [sent]: {
      get: operation(sent, 'listWebhookDeliveries', 'What was sent, the newest first', {
        query: [
          query('webhook', 'Of this one.', { type: 'string', format: 'uuid' }),
          query('state', 'Only these.', { enum: ['waiting', 'delivered', 'dead'] }),
        ],
        answer: object({ deliveries: list(delivery) }),
        errors: [400, 403],
      }),
    },
    [oneSent]: {
      get: operation(oneSent, 'readWebhookDelivery', 'One delivery', { answer: delivery, errors: [403, 404] }),
    },
    [`${oneSent}/retry`]: {
      post: operation(oneSent, 'retryWebhookDelivery', 'Send again what was given up', {
        status: 202,
        answer: delivery,
        errors: [403, 404, 409],
      }),
    },
    '/api/figures': {
      get: operation('', 'readFigures', 'How long studies wait for a result and for their reader', {
        query: [
          query('days', 'Of studies that arrived in the last days.', {
            type: 'integer',
            minimum: 1,
            maximum: 366,
            default: 7,
          }),
        ],
        answer: object({
          days: count,
          figures: list(
            object({
              specialty: orNull('string'),
              priority,
              arrived: count,
              open: count,
              overdue: count,
              readInTime: orNull('number'),
              arrivalToResult: figure,
              arrivalToRead: figure,
            }),
          ),
        }),
        errors: [400],
      }),
    },
    '/metrics': {
      get: {
        operationId: 'readMetrics',
        tags: [tag.name],
        summary: 'For Prometheus',
        responses: {
          200: { description: 'Text format 0.0.4.', content: { 'text/plain': { schema: text } } },
          ...failures(),
        },
      },
    },
    '/api/session': {
      get: operation('', 'readSession', 'Who asks', {
        answer: object({ name: orNull('string'), roles: list(text), hasAccounts: flag }),
      }),
    },
  },
};
