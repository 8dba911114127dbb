import { type Answer, type Area, failures, type Operation, parameter, pathParameters, ref } from '../operation.js';

const tag = {
  name: 'UPS-RS',
  description:
    'Unified procedure steps (PS3.18 11): AI tasks, readings, and what others order. Events come over the WebSocket that a subscription names.',
};
const workitems = '/dicom-web/workitems';
const workitem = `${workitems}/{workitemUid}`;
const subscriber = `${workitems}/{resource}/subscribers/{aet}`;

const dataset = {
  'application/dicom+json': { schema: ref('DicomDataset') },
  'application/dicom+xml': { schema: { type: 'string' } },
};
const address = { schema: { type: 'string', format: 'uri' } };

/** What an operation has beside its id, summary and the parts of its path. */
interface Details {
  responses: Operation['responses'];
  description?: string;
  parameters?: NonNullable<Operation['parameters']>;
  hasBody?: 'always' | 'perhaps';
}

function operation(path: string, operationId: string, summary: string, details: Details): Operation {
  const { responses, description, parameters = [], hasBody } = details;
  return {
    operationId,
    tags: [tag.name],
    summary,
    ...(description !== undefined && { description }),
    parameters: [...pathParameters(path), ...parameters],
    ...(hasBody !== undefined && { requestBody: { required: hasBody === 'always', content: dataset } }),
    responses,
  };
}

/** An answer without a body; a Warning says what was done otherwise than asked. */
const done = (description: string, headers: Answer['headers'] = {}): Answer => ({
  description,
  headers: { Warning: { schema: { type: 'string' } }, ...headers },
});

const transaction = {
  name: 'transaction-uid',
  in: 'query',
  description: 'Transaction UID (0008,1195), which only who claimed the workitem knows.',
  schema: ref('Uid'),
} as const;

const changeState: Details = {
  description: 'The data set has the new Procedure Step State (0074,1000) and the Transaction UID.',
  parameters: [transaction],
  hasBody: 'always',
  responses: {
    200: done('It is in that state.', { 'Content-Location': address }),
    ...failures(400, 404, 409, 410, 415),
  },
};

const requestCancellation: Details = {
  description: 'Who performs it is told; a workitem that nobody performs is canceled at once.',
  hasBody: 'perhaps',
  responses: { 202: done('The request is passed on.'), ...failures(400, 404, 409, 415) },
};

const isSubscriptionGone: Details['responses'] = { 200: done('It is so.'), ...failures(400, 404) };

export const workitemsArea: Area = {
  tag,
  paths: {
    [workitems]: {
      get: operation(workitems, 'SearchForWorkitems', 'Search for workitems', {
        parameters: ['attributes', 'includefield', 'limit', 'offset', 'fuzzymatching'].map(parameter),
        responses: {
          200: {
            description: 'The results, in a stable order.',
            content: { 'application/dicom+json': { schema: ref('DicomDatasets') } },
          },
          204: { description: 'None matches.' },
          ...failures(400, 406),
        },
      }),
      post: operation(workitems, 'CreateWorkitem', 'Order a workitem', {
        parameters: [
          { name: 'workitem', in: 'query', description: 'Its UID, unless the data set has it.', schema: ref('Uid') },
        ],
        hasBody: 'always',
        responses: {
          201: done('It is there, SCHEDULED.', { Location: address, 'Content-Location': address }),
          ...failures(400, 409, 413, 415),
        },
      }),
    },
    [workitem]: {
      get: operation(workitem, 'RetrieveWorkitem', 'A workitem, without its Transaction UID', {
        responses: { 200: { description: 'Its data set.', content: dataset }, ...failures(404, 406) },
      }),
      post: operation(workitem, 'UpdateWorkitem', 'Change attributes of a workitem', {
        parameters: [transaction],
        hasBody: 'always',
        responses: {
          200: done('They are changed.', { 'Content-Location': address }),
          ...failures(400, 404, 409, 410, 415),
        },
      }),
    },
    [`${workitem}/state`]: {
      put: operation(workitem, 'ChangeWorkitemState', 'Claim, complete or cancel a workitem', changeState),
    },
    [`${workitem}/state/{requester}`]: {
      put: operation(`${workitem}/{requester}`, 'ChangeWorkitemStateAs', 'The same, and say who asks', changeState),
    },
    [`${workitem}/cancelrequest`]: {
      post: operation(workitem, 'RequestWorkitemCancellation', 'Ask for a cancellation', requestCancellation),
    },
    [`${workitem}/cancelrequest/{requester}`]: {
      post: operation(
        `${workitem}/{requester}`,
        'RequestWorkitemCancellationAs',
        'The same, and say who asks',
        requestCancellation,
      ),
    },
    [subscriber]: {
      post: operation(subscriber, 'Subscribe', 'Hear of a workitem, of all, or of those that match', {
        parameters: [
          parameter('attributes'),
          {
            name: 'deletionlock',
            in: 'query',
            description: 'Keep ended workitems until the subscriber lets them go.',
            schema: { type: 'boolean', default: false },
          },
        ],
        responses: {
          201: done('Content-Location is the WebSocket over which events come.', { 'Content-Location': address }),
          ...failures(400, 404),
        },
      }),
      delete: operation(subscriber, 'Unsubscribe', 'Hear no more of it', { responses: isSubscriptionGone }),
    },
    [`${subscriber}/suspend`]: {
      post: operation(subscriber, 'SuspendSubscription', 'Hear nothing of workitems that come from now on', {
        responses: isSubscriptionGone,
      }),
    },
  },
};
