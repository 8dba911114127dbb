import { type Area, failures, json, type Operation, type Parameter, pathParameters, ref } from '../operation.js';

const tag = { name: 'Worklist', description: 'What there is to read, in order, live; and why a study is where it is.' };

const query = (name: string, description: string, schema: Parameter['schema'] = { type: 'string' }): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});

function reading(path: string, operationId: string, summary: string): Record<string, { post: Operation }> {
  const post: Operation = {
    operationId,
    tags: [tag.name],
    summary,
    parameters: [
      ...pathParameters(path),
      {
        name: 'X-Reader',
        in: 'header',
        description: 'Who reads; or `reader` in the body.',
        schema: { type: 'string', maxLength: 64 },
      },
    ],
    requestBody: { required: false, content: json({ type: 'object', properties: { reader: { type: 'string' } } }) },
    responses: {
      200: { description: 'The state it has now.', content: json(ref('ReadingState')) },
      ...failures(400, 403, 404, 409),
    },
  };
  return { [path]: { post } };
}

export const worklistArea: Area = {
  tag,
  paths: {
    '/api/worklist': {
      get: {
        operationId: 'findWorklist',
        tags: [tag.name],
        summary: 'The worklist, most urgent first',
        parameters: worklistFilters(),
        responses: { 200: { description: 'A page of it.', content: json(ref('Worklist')) }, ...failures(400) },
      },
    },
    '/api/worklist/events': {
      get: {
        operationId: 'followWorklist',
        tags: [tag.name],
        summary: 'The worklist as it changes, as server-sent events',
        description:
          "`worklist` carries a study's new line, `escalation` says that a deadline nears; `reload` asks for the list anew.",
        responses: {
          200: { description: 'Stays open.', content: { 'text/event-stream': { schema: ref('WorklistItem') } } },
          ...failures(503),
        },
      },
    },
    ...reading('/api/worklist/{workitemUid}/claim', 'claimReading', 'Take a study to read'),
    ...reading('/api/worklist/{workitemUid}/release', 'releaseReading', 'Give it back unread'),
    ...reading('/api/worklist/{workitemUid}/complete', 'completeReading', 'It is read'),
    '/api/workitems/{workitemUid}': {
      get: {
        operationId: 'describeWorkitem',
        tags: [tag.name],
        summary: 'A workitem, as plain JSON',
        parameters: pathParameters('/api/workitems/{workitemUid}'),
        responses: { 200: { description: 'The workitem.', content: json(ref('Workitem')) }, ...failures(404) },
      },
    },
    '/api/studies/{studyInstanceUid}': {
      get: {
        operationId: 'explainStudy',
        tags: [tag.name],
        summary: 'Why a study is where it is',
        parameters: pathParameters('/api/studies/{studyInstanceUid}'),
        responses: {
          200: {
            description: 'What was decided, on what evidence, and what became of it.',
            content: json(ref('StudyExplanation')),
          },
          ...failures(404),
        },
      },
    },
    '/api/studies/{studyInstanceUid}/complete': {
      post: {
        operationId: 'completeStudy',
        tags: [tag.name],
        summary: 'All of it is here: the study goes on at once',
        parameters: pathParameters('/api/studies/{studyInstanceUid}/complete'),
        requestBody: {
          required: false,
          content: json(
            {
              type: 'object',
              properties: { numberOfSeries: { type: 'integer' }, numberOfInstances: { type: 'integer' } },
            },
            { numberOfInstances: 240 },
          ),
        },
        responses: {
          202: {
            description: 'What came of it.',
            content: json({ type: 'object', required: ['outcome'], properties: { outcome: { type: 'string' } } }),
          },
          ...failures(404),
        },
      },
    },
  },
};

function worklistFilters(): Parameter[] {
  const several = '; several with commas';
  return [
    query(
      'state',
      `SCHEDULED, IN PROGRESS, COMPLETED or CANCELED${several}; \`all\` for every one. The open ones by default.`,
    ),
    query('ai', `pending, not-analysed, failed, positive, negative, inconclusive or overridden${several}`),
    query('specialty', `for example radiology${several}`),
    query('modality', `for example CT${several}`),
    query('limit', 'At most so many.', { type: 'integer', minimum: 1, maximum: 500, default: 100 }),
    query('bodyPart', `Body Part Examined, for example CHEST${several}`),
    query('priority', `HIGH, MEDIUM or LOW${several}`),
    query('reader', `who reads it or has read it${several}`),
    query('mine', 'true: what whoever asks reads.', { enum: ['true', 'false'] }),
    query('after', 'The `next` of the page before.'),
  ];
}
