import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, query } from '#libs/database';
import { Metrics, type MetricSample } from '#libs/telemetry';
import { bucketSeconds } from './bucket-seconds.js';

const histograms = [
  {
    figure: 'arrival-to-result',
    name: 'isocenter_study_arrival_to_result_seconds',
    help: "From a study's first instance to the first result of a model.",
  },
  {
    figure: 'arrival-to-read',
    name: 'isocenter_study_arrival_to_read_seconds',
    help: "From a study's first instance to the end of its reading.",
  },
] as const;

/** What the worklist is measured by. The values are the database's: the same from each process that is asked. */
@Injectable()
export class WorklistMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly dataSource: DataSource,
  ) {}

  onModuleInit(): void {
    for (const { figure, name, help } of histograms) {
      this.metrics.register({ name, help, type: 'histogram', read: () => this.histogram(figure) });
    }
    this.metrics.register({
      name: 'isocenter_worklist_open_studies',
      help: 'Studies to be read.',
      type: 'gauge',
      read: () => this.open('true'),
    });
    this.metrics.register({
      name: 'isocenter_worklist_overdue_studies',
      help: 'Studies to be read whose deadline has passed.',
      type: 'gauge',
      read: () => this.open('deadline < now()'),
    });
    this.metrics.register({
      name: 'isocenter_webhook_undelivered_events',
      help: 'Events on their way to a webhook (waiting) or given up (dead).',
      type: 'gauge',
      read: () => this.undelivered(),
    });
  }

  /** What is counted, and what waits to be. */
  private async histogram(figure: string): Promise<MetricSample[]> {
    const rows = await query<{ specialty: string; priority: string; upper: number; samples: number; seconds: number }>(
      this.dataSource,
      `select specialty, priority, upper, sum(samples)::bigint as samples, sum(seconds) as seconds
         from (select specialty, priority, upper_seconds as upper, samples, seconds
                 from figure_bucket where figure = $1
               union all
               select specialty, priority, upper, count(*) filter (where s.seconds <= upper),
                      coalesce(sum(s.seconds) filter (where s.seconds <= upper), 0)
                 from figure_sample s cross join unnest($2::float8[]) as u (upper) where figure = $1
                group by specialty, priority, upper) all_of_them
        group by specialty, priority, upper order by specialty, priority, upper`,
      [figure, bucketSeconds],
    );
    return rows.flatMap(({ specialty, priority, upper, samples, seconds }): MetricSample[] => {
      const labels = { specialty, priority };
      const isWhole = upper === Number.POSITIVE_INFINITY;
      const bucket: MetricSample = {
        series: '_bucket',
        labels: { ...labels, le: isWhole ? '+Inf' : String(upper) },
        value: samples,
      };
      if (!isWhole) return [bucket];
      return [bucket, { series: '_sum', labels, value: seconds }, { series: '_count', labels, value: samples }];
    });
  }

  private async open(condition: 'true' | 'deadline < now()'): Promise<MetricSample[]> {
    const rows = await query<{ specialty: string | null; priority: string; studies: number }>(
      this.dataSource,
      `select specialty, priority, count(*)::integer as studies from worklist_entry
        where rank < 3 and ${condition} group by specialty, priority order by specialty, priority`,
    );
    return rows.map(({ specialty, priority, studies }) => ({
      labels: { specialty: specialty ?? 'none', priority },
      value: studies,
    }));
  }

  private async undelivered(): Promise<MetricSample[]> {
    const rows = await query<{ state: string; events: number }>(
      this.dataSource,
      `select u.state, count(d.delivery_id)::integer as events
         from unnest(array['waiting', 'dead']) as u (state)
         left join webhook_delivery d on d.state = u.state and d.state <> 'delivered'
        group by u.state order by u.state`,
    );
    return rows.map(({ state, events }) => ({ labels: { state }, value: events }));
  }
}
