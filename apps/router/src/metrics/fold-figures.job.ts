import { Injectable } from '@nestjs/common';
import { DataSource, execute, query } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { bucketSeconds } from './bucket-seconds.js';

/** What was delivered is shown for so long. */
const deliveredDays = 30;
const batchSize = 10_000;

/**
 * Counts what was measured into histograms, which thus grow by each measurement once, whatever is killed; counts studies
 * by their days, which searches find their pages by; and forgets what nobody will ask for.
 */
@Injectable()
export class FoldFiguresJob {
  constructor(private readonly dataSource: DataSource) {}

  @OnJob('fold-figures')
  async handle({ signal }: Pick<Job<'fold-figures'>, 'signal'>): Promise<void> {
    for (let isMore = true; isMore;) {
      signal.throwIfAborted();
      isMore = (await this.fold()) === batchSize;
    }
    await query(this.dataSource, 'select fold_study_counts()');
    await execute(
      this.dataSource,
      `delete from webhook_delivery where state = 'delivered' and created_at < now() - $1 * interval '1 day'`,
      [deliveredDays],
    );
  }

  private async fold(): Promise<number> {
    const [row] = await query<{ folded: number }>(
      this.dataSource,
      `with taken as (
         delete from figure_sample where sample_key in (
           select sample_key from figure_sample order by sample_key limit $2 for update skip locked)
         returning *),
       counted as (
         insert into figure_bucket as b (figure, specialty, priority, upper_seconds, samples, seconds)
         select figure, specialty, priority, upper, count(*) filter (where t.seconds <= upper),
                coalesce(sum(t.seconds) filter (where t.seconds <= upper), 0)
           from taken t cross join unnest($1::float8[]) as u (upper)
          group by figure, specialty, priority, upper
             on conflict on constraint pk_figure_bucket do update
            set samples = b.samples + excluded.samples, seconds = b.seconds + excluded.seconds)
       select count(*)::integer as folded from taken`,
      [bucketSeconds, batchSize],
    );
    return row?.folded ?? 0;
  }
}
