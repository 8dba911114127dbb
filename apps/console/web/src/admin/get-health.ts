import { toError } from '../api/api-error.js';

export interface HealthReport {
  status: string;
  parts?: Record<string, { status: string; error?: string } & Record<string, unknown>>;
}

const path = '/health/ready';

/** The report of readiness. A 503 carries one too: it says what fails. */
export async function getHealth(signal: AbortSignal): Promise<HealthReport> {
  try {
    const response = await fetch(path, { signal, headers: { accept: 'application/json' } });
    const report = (await response.json()) as HealthReport;
    if (typeof report.status !== 'string') throw new Error(`${path} answered ${response.status} without a report.`);
    return report;
  } catch (cause) {
    throw cause instanceof SyntaxError
      ? new Error(`${path} answered something that is not JSON.`, { cause })
      : toError(cause, path);
  }
}
