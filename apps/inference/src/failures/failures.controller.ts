import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Access, type Identity, Who } from '#libs/auth';
import { DataSource, query, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { HttpProblem } from '#libs/server';
import { reopenWorkitem } from '#libs/workitems';
import { urgencyOf } from '../runtime/urgency.js';

const states = ['failed', 'retried', 'discarded'] as const;
const listedMax = 500;

export interface Failure {
  workitemUid: string;
  studyInstanceUid: string | null;
  model: string;
  version: string;
  attempts: number;
  reason: string;
  state: (typeof states)[number];
  failedAt: string;
  decidedBy: string | null;
  decidedAt: string | null;
}

/** AI tasks that were given up after their last attempt: seen, tried again, or laid aside. */
@Controller('api/inference/failures')
export class FailuresController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /** The latest first. */
  @Get()
  @Access('admin')
  async list(@Query('state') state: string = 'failed'): Promise<{ failures: Failure[] }> {
    if (!states.some((one) => one === state))
      throw new HttpProblem(400, 'Bad Request', `state is one of ${states.join(', ')}, not ${JSON.stringify(state)}.`);
    return { failures: await read(this.dataSource, 'f.state = $1', [state]) };
  }

  /** With all its attempts before it again; the study is shown as waiting for AI. */
  @Post(':workitemUid/retry')
  @HttpCode(200)
  @Access('admin')
  async retry(@Param('workitemUid') workitemUid: string, @Who() who: Identity): Promise<Failure> {
    await transaction(this.dataSource, async (tx) => {
      if (!(await decide(tx, workitemUid, 'retried', who.name))) throw await refusal(tx, workitemUid);
      const workitem = await reopenWorkitem(tx, workitemUid);
      if (!workitem)
        throw new HttpProblem(409, 'Conflict', 'The study of this task is gone, or the task is not over: discard it.');
      await this.jobs.send(tx, 'run-inference', { workitemUid }, { priority: urgencyOf[workitem.priority] });
    });
    return this.one(workitemUid);
  }

  /** The study stays as it is shown: read without AI. */
  @Post(':workitemUid/discard')
  @HttpCode(200)
  @Access('admin')
  async discard(@Param('workitemUid') workitemUid: string, @Who() who: Identity): Promise<Failure> {
    await transaction(this.dataSource, async (tx) => {
      if (!(await decide(tx, workitemUid, 'discarded', who.name))) throw await refusal(tx, workitemUid);
    });
    return this.one(workitemUid);
  }

  private async one(workitemUid: string): Promise<Failure> {
    const [failure] = await read(this.dataSource, 'f.workitem_uid = $1', [workitemUid]);
    if (!failure) throw await refusal(this.dataSource, workitemUid);
    return failure;
  }
}

type Db = Parameters<typeof query>[0];

/** Of two who decide at once, one does. */
async function decide(tx: Db, workitemUid: string, state: 'retried' | 'discarded', byWhom: string | undefined) {
  const rows = await query(
    tx,
    `update inference_failure set state = $2, decided_by = $3, decided_at = clock_timestamp()
      where workitem_uid = $1 and state = 'failed' returning workitem_uid`,
    [workitemUid, state, byWhom ?? null],
  );
  return rows.length > 0;
}

async function refusal(db: Db, workitemUid: string): Promise<HttpProblem> {
  const [row] = await query<{ state: string }>(db, 'select state from inference_failure where workitem_uid = $1', [
    workitemUid,
  ]);
  return row
    ? new HttpProblem(409, 'Conflict', `The task was ${row.state} already.`)
    : new HttpProblem(404, 'Not Found', `No AI task ${workitemUid} was given up.`);
}

async function read(db: Db, where: string, parameters: unknown[]): Promise<Failure[]> {
  const rows = await query<{
    workitem_uid: string;
    study_instance_uid: string | null;
    model_id: string;
    model_version: string;
    attempts: number;
    reason: string;
    state: Failure['state'];
    failed_at: Date;
    decided_by: string | null;
    decided_at: Date | null;
  }>(
    db,
    `select f.workitem_uid, coalesce(s.study_instance_uid, w.former_study_uid) as study_instance_uid, w.model_id,
            w.model_version, f.attempts, f.reason, f.state, f.failed_at, f.decided_by, f.decided_at
       from inference_failure f join workitem w using (workitem_uid) left join study s using (study_key)
      where ${where} order by f.failed_at desc limit ${listedMax}`,
    parameters,
  );
  return rows.map((row) => ({
    workitemUid: row.workitem_uid,
    studyInstanceUid: row.study_instance_uid,
    model: row.model_id,
    version: row.model_version,
    attempts: row.attempts,
    reason: row.reason,
    state: row.state,
    failedAt: row.failed_at.toISOString(),
    decidedBy: row.decided_by,
    decidedAt: row.decided_at?.toISOString() ?? null,
  }));
}
