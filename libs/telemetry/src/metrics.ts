import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';

/** A value with its labels; of a histogram also which of its series it belongs to (`_bucket`, `_sum`, `_count`). */
export interface MetricSample {
  series?: '_bucket' | '_sum' | '_count';
  labels: Record<string, string>;
  value: number;
}

export interface ReadMetric {
  /** `isocenter_<noun>_<unit>` */
  name: string;
  help: string;
  type: 'gauge' | 'counter' | 'histogram';
  /** Asked at each scrape. */
  read: () => Promise<MetricSample[]>;
}

/** What this process can be measured by, as Prometheus reads it: the process itself, and what its apps add. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();
  private isOfProcess = false;

  readonly contentType: string = this.registry.contentType;

  /** A metric whose values are read from where they are kept when somebody asks. */
  register({ name, help, type, read }: ReadMetric): void {
    const metric = {
      name,
      get: async () => ({
        name,
        help,
        type,
        aggregator: 'first',
        values: (await read()).map(({ series = '', labels, value }) => ({ metricName: name + series, labels, value })),
      }),
    };
    // prom-client asks of a metric no more than this, and its own classes keep values of theirs.
    this.registry.registerMetric(metric as unknown as Metric);
  }

  async text(): Promise<string> {
    if (!this.isOfProcess) {
      this.isOfProcess = true;
      collectDefaultMetrics({ register: this.registry });
    }
    return this.registry.metrics();
  }
}
