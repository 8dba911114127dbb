import { Injectable } from '@nestjs/common';
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  type Metric,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';

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
  private readonly process = new Registry();
  private isOfProcess = false;

  /** Where several processes serve one port: {@link ofThisProcess} of each, by its number. */
  askProcesses: (() => Promise<ReadonlyMap<number, unknown>>) | undefined;

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
    const processes = this.askProcesses === undefined ? this.default() : labelled(await this.askProcesses());
    return `${await this.registry.metrics()}\n${await processes.metrics()}`;
  }

  /** What is measured of the process itself, for {@link askProcesses}. */
  async ofThisProcess(): Promise<unknown> {
    return this.default().getMetricsAsJSON();
  }

  private default(): Registry {
    if (!this.isOfProcess) {
      this.isOfProcess = true;
      collectDefaultMetrics({ register: this.process });
    }
    return this.process;
  }
}

/** The metrics of all processes, each value with the number of its process. */
function labelled(processes: ReadonlyMap<number, unknown>): Registry {
  const metrics = [...processes].map(([number, metrics]) =>
    (metrics as MetricObjectWithValues<MetricValue<string>>[]).map((metric) => ({
      ...metric,
      // No two have the same labels, so that nothing is added up.
      aggregator: 'sum',
      values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, process: String(number) } })),
    })),
  );
  return AggregatorRegistry.aggregate(metrics as unknown as object[]);
}
