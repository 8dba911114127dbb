import type { AppName } from '#libs/config';
import { z } from 'zod';

const uid = z.string().regex(/^[0-9.]{1,64}$/);
const workitem = z.object({ workitemUid: uid });

interface JobKind<Payload extends z.ZodType> {
  payload: Payload;
  /** The app whose process must handle it. */
  handledBy: Exclude<AppName, 'suite'>;
  /** Payloads with an equal key are one waiting job: sending it again while it waits changes nothing. */
  key?: (payload: z.infer<Payload>) => string;
  /** Handlers at once in one process. */
  concurrency: number;
  /** One handler more, for jobs of at least this priority: they pass a backlog that keeps all others at work. */
  ownHandlerFrom?: number;
  /** Jobs may wait in their thousands: a handler that finished one looks for the next at once. */
  isBacklog?: boolean;
  retryLimit: number;
  /** First pause; it doubles with each retry. */
  retryDelaySeconds: number;
  /** A handler that takes longer is cut off and retried. */
  expireInSeconds: number;
  /** A handler whose process is silent for so long is dead, and the job goes to another. */
  heartbeatSeconds: number;
  /** Where the job goes after its last retry; without it, it stays in the queue as failed. */
  deadLetter?: string;
  /** Sent by the clock (UTC) rather than by code. */
  cron?: string;
}

function kind<Payload extends z.ZodType>(definition: JobKind<Payload>): JobKind<Payload> {
  return definition;
}

const usual = { concurrency: 2, retryLimit: 5, retryDelaySeconds: 2, expireInSeconds: 900, heartbeatSeconds: 10 };

/** Every job there is: what it carries (ids, never data), who handles it, and how often it is tried. */
export const jobCatalogue = {
  /** Fact: a model's result was stored. */
  'result-ready': kind({
    ...usual,
    payload: workitem,
    handledBy: 'router',
    key: (p) => p.workitemUid,
    // Each result wakes all of them, and each asks.
    concurrency: 2,
    isBacklog: true,
  }),
  /** Order: sees to workitems whose job or performer was lost. */
  'reconcile-workitems': kind({
    ...usual,
    payload: z.object({}),
    handledBy: 'router',
    concurrency: 1,
    cron: '* * * * *',
  }),
  /** Order: tell who reads of studies whose deadline nears. */
  'escalate-readings': kind({
    ...usual,
    // One that waits for its time does not stand for one that is to run now.
    payload: z.object({ isLater: z.boolean().optional() }),
    handledBy: 'router',
    key: (p) => (p.isLater === true ? 'later' : 'now'),
    concurrency: 1,
    cron: '* * * * *',
  }),
  /** Order: give open readings the deadlines of the service levels as they are now. */
  'apply-service-levels': kind({
    ...usual,
    payload: z.object({}),
    handledBy: 'router',
    key: () => 'all',
    concurrency: 1,
  }),
  /** Order: count what was measured, and forget what was delivered long ago. */
  'fold-figures': kind({ ...usual, payload: z.object({}), handledBy: 'router', concurrency: 1, cron: '* * * * *' }),
  /** Order: tell a webhook of an event. Tried for about a day. */
  'deliver-webhook': kind({
    ...usual,
    payload: z.object({ deliveryId: z.uuid() }),
    handledBy: 'router',
    key: (p) => p.deliveryId,
    concurrency: 4,
    isBacklog: true,
    retryLimit: 12,
    retryDelaySeconds: 10,
    expireInSeconds: 120,
    deadLetter: 'webhook-undelivered',
  }),
  /** Fact: the last attempt to tell a webhook failed. */
  'webhook-undelivered': kind({
    ...usual,
    payload: z.object({ deliveryId: z.uuid() }),
    handledBy: 'router',
    concurrency: 1,
  }),
  /** Order: put a reader's word on a finding into the archive, as a report. */
  'store-review': kind({
    ...usual,
    payload: z.object({ reviewId: z.uuid() }),
    handledBy: 'router',
    key: (p) => p.reviewId,
    retryLimit: 20,
  }),
  /** Order: send instances to another archive. Tried for about a day. */
  'forward-study': kind({
    ...usual,
    payload: z.object({ forwardId: z.uuid() }),
    handledBy: 'router',
    key: (p) => p.forwardId,
    isBacklog: true,
    retryLimit: 12,
    retryDelaySeconds: 10,
    expireInSeconds: 6 * 3600,
    deadLetter: 'forward-failed',
  }),
  /** Fact: the last attempt to send instances to another archive failed. */
  'forward-failed': kind({ ...usual, payload: z.object({ forwardId: z.uuid() }), handledBy: 'router', concurrency: 1 }),
  /** Order: perform an AI workitem. */
  'run-inference': kind({
    ...usual,
    payload: workitem,
    handledBy: 'inference',
    key: (p) => p.workitemUid,
    // One at the device, one made ready, one fetched, one stored.
    concurrency: 4,
    ownHandlerFrom: 2,
    isBacklog: true,
    retryLimit: 4,
    expireInSeconds: 3600,
    deadLetter: 'inference-failed',
  }),
  /** Order: run a version on trial on what the version in force was run on. */
  'run-shadow': kind({
    ...usual,
    payload: workitem.extend({ trialKey: z.int().positive() }),
    handledBy: 'inference',
    key: (p) => `${p.trialKey} ${p.workitemUid}`,
    concurrency: 1,
    isBacklog: true,
    retryLimit: 2,
    expireInSeconds: 3600,
  }),
  /** Order: open a model's network before its first study needs it. Too late or in vain, nothing is lost. */
  'warm-up-model': kind({
    ...usual,
    payload: z.object({ modelId: z.string(), version: z.string(), sha256: z.string() }),
    handledBy: 'inference',
    key: (p) => p.sha256,
    concurrency: 1,
    retryLimit: 0,
  }),
  /** Fact: an AI workitem's last attempt failed. */
  'inference-failed': kind({ ...usual, payload: workitem, handledBy: 'inference', concurrency: 1 }),
  /** Order: look for packs that belong on another tier. */
  'plan-tiering': kind({ ...usual, payload: z.object({}), handledBy: 'storage', concurrency: 1, cron: '17 * * * *' }),
  /** Order: make a series one pack on another tier. What is to move where is in the row of the move. */
  'move-series': kind({
    ...usual,
    payload: z.object({ moveId: z.uuid() }),
    handledBy: 'storage',
    key: (p) => p.moveId,
    concurrency: 2,
    isBacklog: true,
    retryLimit: 8,
    retryDelaySeconds: 5,
    expireInSeconds: 24 * 3600,
    deadLetter: 'move-failed',
  }),
  /** Order: send moves on their way again that wait for a store which takes something now. */
  'resume-moves': kind({
    ...usual,
    payload: z.object({}),
    handledBy: 'storage',
    key: () => 'all',
    concurrency: 1,
    cron: '* * * * *',
  }),
  /** Fact: a series did not get to its tier, however often that was tried. */
  'move-failed': kind({ ...usual, payload: z.object({ moveId: z.uuid() }), handledBy: 'storage', concurrency: 1 }),
  /** Order: bring a pack to a nearer tier; one of an archive class is restored first. */
  'recall-pack': kind({
    ...usual,
    payload: z.object({ packId: z.uuid(), tier: z.enum(['hot', 'warm']) }),
    handledBy: 'storage',
    key: (p) => p.packId,
    concurrency: 4,
    expireInSeconds: 24 * 3600,
  }),
  /** Order: bring near the earlier studies of patients for whom there is something new to do. */
  'prefetch-priors': kind({
    ...usual,
    payload: z.object({}),
    handledBy: 'storage',
    key: () => 'all',
    concurrency: 1,
    cron: '* * * * *',
  }),
  /** Order: copy a pack to a tier, verify it there, and read from there on. */
  'move-pack': kind({
    ...usual,
    payload: z.object({ packId: z.uuid(), tier: z.enum(['hot', 'warm', 'cold']) }),
    handledBy: 'storage',
    key: (p) => p.packId,
    concurrency: 2,
    expireInSeconds: 3600,
  }),
  /** Order: compare the digests of the copies that were not compared for longest. */
  scrub: kind({
    ...usual,
    payload: z.object({ olderThanDays: z.number().nonnegative().optional() }),
    handledBy: 'storage',
    key: () => 'all',
    concurrency: 1,
    retryLimit: 1,
    cron: '*/10 * * * *',
  }),
  /** Order: delete the packs that hold nothing any more. */
  'delete-emptied-packs': kind({
    ...usual,
    payload: z.object({}),
    handledBy: 'storage',
    key: () => 'all',
    concurrency: 1,
  }),
  /** Order: purge deletions, delete retired copies and blobs no row speaks of, once their grace is over. */
  'collect-garbage': kind({
    ...usual,
    payload: z.object({}),
    handledBy: 'storage',
    concurrency: 1,
    cron: '37 * * * *',
  }),
} as const;

export type JobName = keyof typeof jobCatalogue;
export type JobPayload<Name extends JobName> = z.infer<(typeof jobCatalogue)[Name]['payload']>;
export const jobNames = Object.keys(jobCatalogue) as JobName[];
/** The catalogue's entry with its payload type forgotten, for code that treats all jobs alike. */
export function jobKind(name: JobName): JobKind<z.ZodType> {
  return jobCatalogue[name] as unknown as JobKind<z.ZodType>;
}
