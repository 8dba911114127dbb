import { type Area, failures, json, type Operation, pathParameters, ref, type Schema } from '../operation.js';

const tag = { name: 'Storage', description: 'Tiers and what decides of them, moves, restores, scrubbing.' };

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer' };
const tier: Schema = { enum: ['hot', 'warm', 'cold'] };
const recompress: Schema = { enum: ['htj2k-lossless'] };
const list = (items: Schema): Schema => ({ type: 'array', items });
const object = (properties: Record<string, Schema>, required: string[] = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
});
const progress = { bytes: count, bytesDone: count, bytesLeft: count, percent: { type: 'number' } };
const policy = {
  match: object(
    {
      modalities: list(text),
      specialties: list(text),
      bytesMin: count,
      bytesMax: count,
      isRead: { type: 'boolean' },
      isOnLegalHold: { type: 'boolean' },
    },
    [],
  ),
  steps: list(
    object(
      {
        to: { enum: ['warm', 'cold'] },
        afterDays: { type: 'number' },
        unusedDays: { type: 'number' },
        requiresReading: { type: 'boolean' },
        recompress,
      },
      ['to', 'afterDays'],
    ),
  ),
};
const recalled = object({ ordered: count, underWay: count, near: count, bytes: count });

interface Given {
  body?: Schema;
  example?: unknown;
  isOptional?: boolean;
  status?: 200 | 202 | 204;
  answer?: Schema;
  errors?: (400 | 404 | 409 | 507)[];
}

/** An operation of this area. @param path where it is, for the parts that it declares */
function operation(path: string, operationId: string, summary: string, given: Given = {}): Operation {
  const { body, example, isOptional = false, status = 200, answer, errors = [] } = given;
  const said = { 200: 'As asked.', 202: 'It is ordered.', 204: 'It is so.' }[status];
  return {
    operationId,
    tags: [tag.name],
    summary,
    ...(path.includes('{') && { parameters: pathParameters(path) }),
    ...(body !== undefined && { requestBody: { required: !isOptional, content: json(body, example) } }),
    responses: {
      [status]: { description: said, ...(answer !== undefined && { content: json(answer) }) },
      ...failures(...errors),
    },
  };
}

const root = '/api/storage';
const named = `${root}/policies/{name}`;
const pin = `${root}/studies/{study}/pin`;
const hold = `${root}/studies/{study}/legal-hold`;
const move = `${root}/studies/{study}/move`;
const prefetch = `${root}/studies/{study}/prefetch`;

export const tieringArea: Area = {
  tag,
  paths: {
    [`${root}/stores`]: {
      get: operation('', 'listStores', 'The stores, what they can do, and whether they work', {
        answer: object({ stores: list({ type: 'object' }) }),
      }),
    },
    [`${root}/usage`]: {
      get: operation('', 'readUsage', 'How much is where, by modality and month', {
        answer: object({
          usage: list(
            object({
              tier,
              modality: { type: ['string', 'null'] },
              month: text,
              series: count,
              instances: count,
              bytes: count,
              storedBytes: count,
            }),
          ),
        }),
      }),
    },
    [`${root}/policies`]: {
      get: operation('', 'listPolicies', 'The tiering policies, in the order they are asked', {
        answer: object({
          policies: list(
            object({
              name: text,
              position: count,
              isEnabled: { type: 'boolean' },
              isBuiltIn: { type: 'boolean' },
              ...policy,
            }),
          ),
        }),
      }),
    },
    [named]: {
      put: operation(named, 'putPolicy', 'Make or change a policy', {
        body: object({ position: count, isEnabled: { type: 'boolean' }, ...policy }, []),
        example: {
          position: 1,
          match: { modalities: ['MG'] },
          steps: [{ to: 'warm', afterDays: 90, unusedDays: 30, requiresReading: true }],
        },
        status: 204,
        errors: [400],
      }),
      delete: operation(named, 'deletePolicy', 'Take a policy away', { status: 204, errors: [404] }),
    },
    [`${root}/policies/dry-run`]: {
      post: operation('', 'dryRunPolicies', 'What would move, and what it would cost; moves nothing', {
        body: object({ policies: list(object({ name: text, ...policy })) }, []),
        isOptional: true,
        answer: object({
          studiesSeen: count,
          studies: count,
          series: count,
          bytes: count,
          cost: { type: 'number' },
          monthlyCost: { type: 'number' },
          groups: list({ type: 'object' }),
          examples: list({ type: 'object' }),
          isCut: { type: 'boolean' },
        }),
        errors: [400],
      }),
    },
    [`${root}/holds`]: {
      get: operation('', 'listHolds', 'Pins and legal holds', {
        answer: object({ holds: list({ type: 'object' }) }),
        errors: [400],
      }),
    },
    [pin]: {
      put: operation(pin, 'pinStudy', 'Bring a study to a tier, where it stays', {
        body: object({ tier, reason: text }, ['tier']),
        status: 204,
        errors: [400],
      }),
      delete: operation(pin, 'unpinStudy', 'Leave a study to the policies again', { status: 204, errors: [400, 404] }),
    },
    [hold]: {
      put: operation(hold, 'holdStudy', 'Keep a study from being deleted', {
        body: object({ reason: text }, []),
        isOptional: true,
        status: 204,
        errors: [400],
      }),
      delete: operation(hold, 'releaseStudy', 'Lift a legal hold', { status: 204, errors: [400, 404] }),
    },
    [move]: {
      post: operation(move, 'moveStudy', 'Order the series of a study to a tier', {
        body: object({ tier, recompress }, ['tier']),
        example: { tier: 'warm' },
        status: 202,
        answer: object({ series: count, ordered: count }),
        errors: [400, 404, 409, 507],
      }),
    },
    [prefetch]: {
      post: operation(prefetch, 'prefetchStudy', 'Bring a study back to the hot tier', {
        status: 202,
        answer: recalled,
        errors: [400, 404],
      }),
    },
    [`${root}/prefetch-priors`]: {
      post: operation('', 'prefetchPriors', 'Bring the latest studies of a patient back to the hot tier', {
        body: object({ patientId: text, issuerOfPatientId: text, modalities: list(text), studiesMax: count }, [
          'patientId',
        ]),
        status: 202,
        answer: object({ studies: list(object({ studyInstanceUid: ref('Uid'), recalled })) }),
        errors: [400],
      }),
    },
    [`${root}/moves`]: {
      get: operation('', 'listMoves', 'How far moves have come', {
        answer: object({
          open: object({ series: count, copying: count, ...progress }),
          lastDay: object({ done: count, failed: count, superseded: count, bytes: count, bytesSaved: count }),
          moves: list(
            object({
              studyInstanceUid: ref('Uid'),
              seriesInstanceUid: ref('Uid'),
              tier,
              state: text,
              recompress: { type: ['string', 'null'] },
              storedBytes: { type: ['integer', 'null'] },
              keptAsIs: { type: ['object', 'null'] },
              ...progress,
            }),
          ),
        }),
      }),
    },
    [`${root}/recalls`]: {
      get: operation('', 'listRecalls', 'What is being brought back from archives', {
        answer: object({ open: object({ packs: count, ...progress }), recalls: list({ type: 'object' }) }),
      }),
    },
    [`${root}/scrub`]: {
      get: operation('', 'readScrub', 'How far comparing digests has come, and what is damaged', {
        answer: object({
          days: { type: 'number' },
          copies: count,
          copiesDone: count,
          ...progress,
          oldestAt: { type: ['string', 'null'] },
          bytesPerSecond: count,
          daysNeeded: { type: 'number' },
          asked: { anyOf: [object({ at: text, copiesLeft: count, ...progress }), { type: 'null' }] },
          damaged: list({ type: 'object' }),
        }),
      }),
      post: operation('', 'startScrub', 'Compare digests now', {
        body: object({ olderThanDays: { type: 'number' } }, []),
        isOptional: true,
        status: 202,
        errors: [400],
      }),
    },
  },
};
