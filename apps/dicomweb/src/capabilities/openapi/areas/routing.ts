import { type Area, failures, json, type Operation, pathParameters, type Schema } from '../operation.js';

const tag = {
  name: 'Routing',
  description: 'Rules and their versions, departments, off-peak hours, other archives (docs/routing.md).',
};

const text: Schema = { type: 'string' };
const whole: Schema = { type: 'integer' };
const yesOrNo: Schema = { type: 'boolean' };
const list = (items: Schema): Schema => ({ type: 'array', items });
const object = (properties: Record<string, Schema>, required: string[] = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
});

const draftProperties: Record<string, Schema> = {
  name: text,
  position: whole,
  isEnabled: yesOrNo,
  note: text,
  definition: { type: 'object' },
};
const draft = object(draftProperties, ['name', 'definition']);
const exampleDraft = {
  name: 'Head CT',
  definition: {
    when: {
      all: [
        { keyword: 'Modality', is: 'CT' },
        { keyword: 'BodyPartExamined', is: ['HEAD', 'BRAIN'] },
      ],
    },
    gives: { models: [{ model: 'radiology/lung-density' }], priority: 'HIGH' },
  },
};
const version = object({ ruleId: text, version: whole, state: text, name: text, definition: { type: 'object' } });
const problems = list(object({ at: text, message: text }));
const destination = object({
  name: text,
  url: text,
  isEnabled: yesOrNo,
  allowsPrivateAddresses: yesOrNo,
  hasAuthorization: yesOrNo,
});
const settings = object({ match: { enum: ['all', 'first'] }, offPeak: { type: 'object' } }, []);
const specialty = object(
  { title: text, position: whole, level: { enum: ['series', 'study'] }, matcher: { type: ['object', 'null'] } },
  ['title'],
);
const forward = object({
  forwardId: text,
  studyInstanceUid: text,
  destination: text,
  state: { enum: ['scheduled', 'sending', 'sent', 'failed', 'canceled'] },
  attempts: whole,
  instancesSent: whole,
  instancesRefused: whole,
  error: { type: ['string', 'null'] },
});

interface Given {
  body?: Schema;
  example?: unknown;
  isOptional?: boolean;
  query?: string[];
  status?: 200 | 201 | 202 | 204;
  answer?: Schema;
  errors?: (400 | 404 | 409)[];
}

/** An operation of this area. @param path where it is, for the parts that it declares */
function operation(path: string, operationId: string, summary: string, given: Given = {}): Operation {
  const { body, example, isOptional = false, query = [], status = 200, answer, errors = [] } = given;
  const said = { 200: 'As asked.', 201: 'It is a draft.', 202: 'It is ordered.', 204: 'It is so.' }[status];
  const named = query.map((name) => ({ name, in: 'query' as const, description: 'only of this', schema: text }));
  const parameters = [...pathParameters(path), ...named];
  return {
    operationId,
    tags: [tag.name],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: !isOptional, content: json(body, example) } }),
    responses: {
      [status]: { description: said, ...(answer !== undefined && { content: json(answer) }) },
      ...failures(...errors),
    },
  };
}

const rule = '/api/rules/{ruleId}';
const destinations = '/api/destinations/{name}';
const forwards = '/api/forwards/{forwardId}';
const specialties = '/api/specialties/{name}';
const explain = '/api/studies/{studyInstanceUid}/explain';

export const routingArea: Area = {
  tag,
  paths: {
    '/api/rules': {
      post: operation('', 'createRule', 'A new rule, as a draft', {
        body: draft,
        example: exampleDraft,
        status: 201,
        answer: version,
        errors: [400],
      }),
    },
    '/api/rules/check': {
      post: operation('', 'checkRule', 'What is wrong with a rule', {
        body: draft,
        example: exampleDraft,
        answer: object({ isUsable: yesOrNo, problems }),
        errors: [400],
      }),
    },
    '/api/rules/replay': {
      post: operation('', 'replayRule', 'A rule against the studies that are here, before it goes live', {
        body: object(
          { ...draftProperties, ruleId: text, version: whole, studies: whole, studyInstanceUids: list(text) },
          [],
        ),
        example: { ...exampleDraft, studies: 100 },
        answer: object({ studies: whole, matched: whole, changed: whole, modelMinutes: { type: 'object' } }),
        errors: [400, 404],
      }),
    },
    [rule]: {
      get: operation(rule, 'readRule', 'All versions of a rule, and which decided when', {
        answer: object({ versions: list(version), changes: list({ type: 'object' }) }),
        errors: [404],
      }),
      put: operation(rule, 'draftRule', 'The next draft of a rule', {
        body: draft,
        example: exampleDraft,
        answer: version,
        errors: [400, 404],
      }),
      delete: operation(rule, 'retireRule', 'The rule decides nothing any more; it is kept', {
        status: 204,
        errors: [404],
      }),
    },
    [`${rule}/draft`]: {
      delete: operation(rule, 'discardDraft', 'Forget the draft', { status: 204, errors: [404] }),
    },
    [`${rule}/activate`]: {
      post: operation(rule, 'activateRule', 'The draft, or the version named, decides from now on', {
        body: object({ version: whole, note: text }, []),
        isOptional: true,
        answer: version,
        errors: [400, 404, 409],
      }),
    },
    [`${rule}/rollback`]: {
      post: operation(rule, 'rollBackRule', 'Back to the version that decided before', {
        body: object({ note: text }, []),
        isOptional: true,
        answer: version,
        errors: [400, 404, 409],
      }),
    },
    [explain]: {
      get: operation(explain, 'explainRules', 'Why a study went where it went, rule by rule', {
        answer: object({ decided: { type: ['object', 'null'] }, now: { type: 'object' } }),
        errors: [404],
      }),
    },
    '/api/routing/settings': {
      get: operation('', 'readRoutingSettings', 'What is common to all rules', { answer: settings }),
      put: operation('', 'changeRoutingSettings', 'Change what is common to all rules', {
        body: settings,
        example: { offPeak: { from: '20:00', until: '06:00', timeZone: 'Europe/Berlin' } },
        answer: settings,
        errors: [400],
      }),
    },
    '/api/specialties': {
      get: operation('', 'listSpecialties', 'The departments', { answer: object({ specialties: list(specialty) }) }),
    },
    [specialties]: {
      put: operation(specialties, 'saveSpecialty', 'Add a department, or say anew which studies are its own', {
        body: specialty,
        example: { title: 'Breast imaging', matcher: { keyword: 'Modality', is: 'MG' } },
        answer: specialty,
        errors: [400],
      }),
      delete: operation(specialties, 'deleteSpecialty', 'Take a department of the site away', {
        status: 204,
        errors: [404, 409],
      }),
    },
    '/api/destinations': {
      get: operation('', 'listDestinations', 'Other archives that studies are sent to', {
        answer: object({ destinations: list(destination) }),
      }),
    },
    [destinations]: {
      put: operation(destinations, 'saveDestination', 'Add or change another archive', {
        body: object({ url: text, isEnabled: yesOrNo, allowsPrivateAddresses: yesOrNo, authorization: text }, ['url']),
        example: { url: 'https://pacs.example.org/dicom-web', authorization: 'Bearer …' },
        answer: destination,
        errors: [400],
      }),
      delete: operation(destinations, 'deleteDestination', 'Forget another archive', {
        status: 204,
        errors: [404, 409],
      }),
    },
    [`${destinations}/check`]: {
      post: operation(destinations, 'checkDestination', 'Whether its address and credentials are right', {
        answer: object({ isReachable: yesOrNo, status: { type: ['integer', 'null'] }, detail: text }),
        errors: [404],
      }),
    },
    '/api/forwards': {
      get: operation('', 'listForwards', 'What is and was sent to other archives', {
        query: ['StudyInstanceUID', 'state'],
        answer: object({ forwards: list(forward) }),
        errors: [400],
      }),
    },
    [`${forwards}/retry`]: {
      post: operation(forwards, 'retryForward', 'Send again what failed', { status: 202, errors: [404, 409] }),
    },
    [`${forwards}/cancel`]: {
      post: operation(forwards, 'cancelForward', 'Send no more of it', { errors: [404, 409] }),
    },
  },
};
