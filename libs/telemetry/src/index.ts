export { Health, type HealthReport, type Probe } from './health.js';
export { createLogger, type Logger, LOGGER, nestLogger } from './logger.js';
export { Metrics, type MetricSample, type ReadMetric } from './metrics.js';
export { TelemetryModule } from './telemetry.module.js';
