import { type Parameter, ref, type Schema } from './operation.js';

const text = (description?: string): Schema => ({ type: 'string', ...(description && { description }) });
const nullable = (type: string, description?: string): Schema => ({
  type: [type, 'null'],
  ...(description && { description }),
});
const count: Schema = { type: 'integer', minimum: 0 };
const time = (description?: string): Schema => ({
  type: 'string',
  format: 'date-time',
  ...(description && { description }),
});
const timeOrNull: Schema = { type: ['string', 'null'], format: 'date-time' };
const list = (items: Schema): Schema => ({ type: 'array', items });
const oneOf = (...values: string[]): Schema => ({ enum: values });

/** An object with all of these properties, but those called optional. */
function object(properties: Record<string, Schema>, optional: string[] = []): Schema {
  return { type: 'object', required: Object.keys(properties).filter((name) => !optional.includes(name)), properties };
}

const states = oneOf('SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED');
const priorities = oneOf('HIGH', 'MEDIUM', 'LOW');

const dicom: Record<string, Schema> = {
  Uid: { type: 'string', pattern: String.raw`^[0-9]+(\.[0-9]+)*$`, maxLength: 64, examples: ['1.2.840.113619.2.1'] },
  DicomElement: {
    type: 'object',
    description:
      'One element of a data set. At most one of Value, BulkDataURI and InlineBinary; none when it is empty.',
    required: ['vr'],
    properties: {
      vr: { type: 'string', pattern: '^[A-Z]{2}$' },
      Value: { type: 'array', minItems: 1, description: 'PN as objects, SQ as data sets, null for an empty member' },
      BulkDataURI: { type: 'string', format: 'uri', description: 'where the value can be had' },
      InlineBinary: { type: 'string', contentEncoding: 'base64' },
    },
  },
  DicomDataset: {
    type: 'object',
    description: 'The DICOM JSON Model (PS3.18 Annex F): elements by tag, eight upper-case hexadecimal digits.',
    propertyNames: { pattern: '^[0-9A-F]{8}$' },
    additionalProperties: ref('DicomElement'),
    examples: [
      {
        '00080061': { vr: 'CS', Value: ['CT'] },
        '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Sample^Chest' }] },
        '0020000D': { vr: 'UI', Value: ['2.25.155476954261728350210887638216386512863'] },
      },
    ],
  },
  DicomDatasets: list(ref('DicomDataset')),
  StoreResponse: {
    allOf: [ref('DicomDataset')],
    description:
      'What became of each instance (PS3.18 Annex I): ReferencedSOPSequence 00081199, FailedSOPSequence 00081198 with a FailureReason 00081197 for each.',
  },
  Problem: {
    type: 'object',
    description: 'RFC 9457. `detail` names what is wrong and what would be right; never a stack, never a name.',
    required: ['title', 'status', 'detail'],
    properties: {
      title: text(),
      status: { type: 'integer' },
      detail: text(),
      code: text('which of our errors it is, where one has a name'),
      possible: { ...list(text()), description: 'for 406: what could be had' },
    },
  },
};

const worklist: Record<string, Schema> = {
  Finding: object({
    name: text(),
    value: { type: 'number' },
    unit: text('UCUM'),
    flag: { enum: ['normal', 'abnormal', null] },
  }),
  AiResult: object({
    workitemUid: ref('Uid'),
    model: text('`<specialty>/<name>`'),
    version: text(),
    state: states,
    outcome: { enum: ['positive', 'negative', 'inconclusive', null] },
    summary: nullable('string'),
    error: nullable('string', 'why there is no result'),
    finishedAt: timeOrNull,
    findings: list(ref('Finding')),
    report: {
      oneOf: [object({ seriesInstanceUid: ref('Uid'), sopInstanceUid: ref('Uid') }), { type: 'null' }],
      description: 'the structured report in the archive',
    },
    reviews: list(ref('FindingReview')),
  }),
  FindingReview: object({
    finding: nullable('string', 'its name; null: the result as a whole'),
    verdict: oneOf('agree', 'disagree'),
    comment: text(),
    reader: text(),
    at: time(),
    report: {
      oneOf: [object({ seriesInstanceUid: ref('Uid'), sopInstanceUid: ref('Uid') }), { type: 'null' }],
      description: 'its own structured report, once it is in the archive',
    },
  }),
  WorklistItem: object({
    workitemUid: ref('Uid'),
    studyInstanceUid: ref('Uid'),
    patientName: text(),
    patientId: text(),
    patientBirthDate: nullable('string'),
    patientSex: nullable('string'),
    studyDate: nullable('string', 'YYYYMMDD'),
    studyTime: nullable('string'),
    studyDescription: nullable('string'),
    accessionNumber: nullable('string'),
    modalities: list(text()),
    bodyParts: list(text()),
    specialty: nullable('string'),
    numberOfSeries: count,
    numberOfInstances: count,
    receivedAt: time(),
    deadline: timeOrNull,
    escalatedAt: timeOrNull,
    finishedAt: timeOrNull,
    priority: priorities,
    priorityReason: text(),
    state: states,
    performer: nullable('string', 'who reads it, or has read it'),
    isSample: { type: 'boolean' },
    thumbnailUrl: text(),
    ai: object({
      state: oneOf('pending', 'not-analysed', 'failed', 'positive', 'negative', 'inconclusive', 'overridden'),
      summary: nullable('string'),
      results: list(ref('AiResult')),
    }),
  }),
  Worklist: object({
    items: list(ref('WorklistItem')),
    next: nullable('string', '`after` of the next page; null: there is none'),
    total: count,
    isTotalExact: { type: 'boolean', description: 'false: there are more than are counted' },
  }),
  ReadingState: object({
    workitemUid: ref('Uid'),
    state: states,
    performer: nullable('string'),
    priority: priorities,
    priorityReason: text(),
  }),
  Workitem: {
    ...object({
      uid: ref('Uid'),
      kind: {
        ...oneOf('ai', 'reading', 'other'),
        description: 'a model on a study, a person on a study, or ordered over UPS-RS',
      },
      state: states,
      priority: priorities,
      priorityReason: text(),
      deadline: timeOrNull,
      performer: nullable('string', 'who holds or held it'),
      attempts: { ...count, description: 'that ended without a result' },
      claimedAt: timeOrNull,
      heartbeatAt: timeOrNull,
      finishedAt: timeOrNull,
      discontinuationReason: nullable('string'),
      createdAt: time(),
      updatedAt: time(),
      dataset: ref('DicomDataset'),
    }),
    description: 'A UPS workitem as its row has it, with its data set',
  },
  StudyExplanation: object({
    item: ref('WorklistItem'),
    routing: {
      ...object({
        state: text('how far the study is on its way'),
        completeness: { type: ['object', 'null'], description: 'whether all of it is here, and by what evidence' },
        specialty: { oneOf: [object({ value: text(), reason: text() }), { type: 'null' }] },
        inputDigest: nullable('string', 'over the instances the rules were asked about'),
        basePriority: { oneOf: [object({ priority: text(), reason: text() }), { type: 'null' }] },
        rules: { ...list({ type: 'object' }), description: 'what each rule said, and why' },
        models: { ...list({ type: 'object' }), description: 'the models that were chosen or not, and why' },
        workitems: list({ type: 'object' }),
      }),
    },
  }),
};

const deletion = object({
  deletionId: { type: 'string', format: 'uuid' },
  cause: { ...oneOf('deleted', 'replaced'), description: 'replaced: another version of the instance came' },
  level: oneOf('study', 'series', 'instance'),
  studyInstanceUid: ref('Uid'),
  seriesInstanceUid: nullable('string'),
  sopInstanceUid: nullable('string'),
  reason: nullable('string'),
  instances: count,
  bytes: count,
  deletedAt: time(),
  recoverableUntil: time(),
  state: oneOf('recoverable', 'restored', 'purged'),
  endedAt: { ...timeOrNull, description: 'when it was restored or purged' },
});

const changes: Record<string, Schema> = {
  Deletion: deletion,
  ListedDeletion: {
    allOf: [ref('Deletion'), object({ patientName: nullable('string'), patientId: nullable('string') })],
  },
  Change: object(
    {
      Sequence: { type: 'integer', minimum: 1 },
      StudyInstanceUid: ref('Uid'),
      SeriesInstanceUid: ref('Uid'),
      SopInstanceUid: ref('Uid'),
      Action: text('what was done to the instance'),
      Timestamp: time(),
      State: text('what this version of it is by now'),
      Metadata: ref('DicomDataset'),
    },
    ['Metadata'],
  ),
};

const administration: Record<string, Schema> = {
  Model: object({
    model: text('`<specialty>/<name>`'),
    version: text(),
    specialty: text(),
    sha256: text('of the version: model.json and model.onnx; results name it by this'),
    networkSha256: text('of model.onnx'),
    source: { enum: ['folder', 'upload'] },
    state: { enum: ['active', 'inactive'] },
    bytes: nullable('integer'),
    isCurrent: { type: 'boolean' },
    registeredAt: time(),
    title: nullable('string'),
    intendedUse: nullable('string'),
    limits: list(text()),
    licence: nullable('string'),
    tasks: object({ scheduled: count, inProgress: count, completed: count, canceled: count }),
    outcomes: object({ positive: count, negative: count, inconclusive: count }),
  }),
  ModelVersion: object({
    model: text('`<specialty>/<name>`'),
    version: text(),
    sha256: text(),
    networkSha256: text(),
    source: { enum: ['folder', 'upload'] },
    state: { enum: ['active', 'inactive'] },
  }),
  Condition: {
    description: 'What a rule asks of a study: an attribute, or conditions joined by all, any, not.',
    oneOf: [
      object(
        {
          keyword: text('DICOM keyword, or a path into sequences'),
          is: { description: 'one value, or several of which one is enough; `*` and `?` as in QIDO-RS' },
          atLeast: { type: ['number', 'string'] },
          atMost: { type: ['number', 'string'] },
          exists: { type: 'boolean' },
        },
        ['is', 'atLeast', 'atMost', 'exists'],
      ),
      object({ all: list(ref('Condition')) }),
      object({ any: list(ref('Condition')) }),
      object({ not: ref('Condition') }),
    ],
  },
  Rule: object({
    ruleId: text(),
    version: { type: 'integer' },
    position: { type: 'integer', description: 'rules are asked in this order' },
    name: text(),
    isEnabled: { type: 'boolean' },
    problem: nullable('string', 'why the rule cannot be used as it stands'),
    definition: object(
      {
        description: text(),
        level: oneOf('series', 'study'),
        when: ref('Condition'),
        gives: object(
          {
            models: list(object({ model: text('`<specialty>/<name>`'), version: text('`current` or a version') })),
            priority: priorities,
            deadlineMinutes: { type: 'number' },
            isLast: { type: 'boolean', description: 'rules after this one are not asked' },
          },
          ['priority', 'deadlineMinutes', 'isLast'],
        ),
      },
      ['description', 'level'],
    ),
  }),
  Rules: object({ match: oneOf('all', 'first'), rules: list(ref('Rule')) }),
  TierUsage: object({
    tier: oneOf('hot', 'warm', 'cold'),
    hasStore: { type: 'boolean', description: 'whether something can be moved there' },
    stores: list(text()),
    packs: count,
    bytes: count,
  }),
  StorageUsage: object({
    studies: count,
    instances: count,
    tiers: list(ref('TierUsage')),
    previews: { ...object({ packs: count, bytes: count }), description: 'kept near of series that are far' },
    retired: { ...object({ copies: count, bytes: count }), description: 'copies that wait for their grace to end' },
    dataFolder: object({ bytesFree: count, bytesTotal: count }),
  }),
  Pack: object({
    packId: { type: 'string', format: 'uuid' },
    bytes: count,
    instances: { ...count, description: 'of the study asked for' },
    createdAt: time(),
    copies: list(
      object({
        tier: oneOf('hot', 'warm', 'cold'),
        store: text(),
        state: oneOf('ready', 'retired'),
        createdAt: time(),
        retiredAt: timeOrNull,
      }),
    ),
  }),
  Health: object({
    status: oneOf('ok', 'failing'),
    parts: {
      type: 'object',
      additionalProperties: object({ status: oneOf('ok', 'failing'), error: text() }, ['error']),
    },
  }),
};

export const schemas: Record<string, Schema> = { ...dicom, ...worklist, ...changes, ...administration };

/** Parameters of several operations. */
export const parameters: Record<string, Parameter> = {
  Accept: {
    name: 'Accept',
    in: 'header',
    description:
      'Media types, for those of DICOM with `transfer-syntax=`, and `multipart/related; type="…"` (PS3.18 8.7). The query parameter `accept` does the same.',
    schema: { type: 'string' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The ETag of what the client has: 304 when it is still right.',
    schema: { type: 'string' },
  },
  Range: {
    name: 'Range',
    in: 'header',
    description: '`bytes=first-last` of a single part.',
    schema: { type: 'string' },
    example: 'bytes=0-65535',
  },
  attributes: {
    name: 'attributes',
    in: 'query',
    description:
      'Matching keys: `<tag or keyword>=<value>`, through sequences with dots. Exact; `*` and `?` in text; ranges `20240101-20241231`; lists of UIDs with commas (PS3.18 8.3.4.1).',
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    style: 'form',
    explode: true,
    example: { PatientName: 'Sample*', ModalitiesInStudy: 'CT' },
  },
  includefield: {
    name: 'includefield',
    in: 'query',
    description:
      'Attributes to be given beyond the usual ones: tags or keywords, separated by commas or repeated, or `all`.',
    schema: { type: 'string' },
  },
  limit: {
    name: 'limit',
    in: 'query',
    description: 'At most so many results.',
    schema: { type: 'integer', minimum: 0 },
  },
  offset: {
    name: 'offset',
    in: 'query',
    description: 'Results to pass over.',
    schema: { type: 'integer', minimum: 0 },
  },
  fuzzymatching: {
    name: 'fuzzymatching',
    in: 'query',
    description: 'Names that sound or look alike; a Warning header field says when only literal matching was done.',
    schema: { type: 'boolean' },
  },
  viewport: {
    name: 'viewport',
    in: 'query',
    description: '`width,height[,x,y,w,h]`: the size of the picture, and the part of the image in it.',
    schema: { type: 'string' },
    example: '512,512',
  },
  window: {
    name: 'window',
    in: 'query',
    description: '`center,width,function`: linear, linear-exact or sigmoid.',
    schema: { type: 'string' },
    example: '40,400,linear',
  },
  quality: {
    name: 'quality',
    in: 'query',
    description: 'Of lossy pictures.',
    schema: { type: 'integer', minimum: 1, maximum: 100 },
  },
  annotation: {
    name: 'annotation',
    in: 'query',
    description: 'Written on the picture, separated by commas: patient, technique.',
    schema: { type: 'string' },
  },
  iccprofile: {
    name: 'iccprofile',
    in: 'query',
    description: 'The colour space of the picture, embedded as its profile; yes: its own.',
    schema: { type: 'string', enum: ['no', 'yes', 'srgb', 'adobergb', 'rommrgb', 'displayp3'] },
  },
};
