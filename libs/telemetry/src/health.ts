import { Injectable } from '@nestjs/common';

export type Probe = () => Promise<Record<string, unknown> | void>;
export interface HealthReport {
  status: 'ok' | 'failing';
  parts: Record<string, { status: 'ok' | 'failing'; error?: string } & Record<string, unknown>>;
}

const probeMillisecondsMax = 3_000;

/** Who is here registers how to ask whether it works; readiness is the sum. */
@Injectable()
export class Health {
  private readonly probes = new Map<string, Probe>();

  /** @param probe resolves (with details worth showing, if any) when the part works, rejects with why not */
  register(part: string, probe: Probe): void {
    if (this.probes.has(part)) throw new Error(`Two health probes are called ${part}`);
    this.probes.set(part, probe);
  }

  async report(): Promise<HealthReport> {
    const parts: HealthReport['parts'] = {};
    await Promise.all(
      [...this.probes].map(async ([name, probe]) => {
        try {
          parts[name] = { ...(await withDeadline(probe(), name)), status: 'ok' };
        } catch (error) {
          parts[name] = { status: 'failing', error: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    const isOk = Object.values(parts).every((part) => part.status === 'ok');
    return { status: isOk ? 'ok' : 'failing', parts };
  }
}

async function withDeadline<T>(work: Promise<T>, part: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${part} gave no answer in ${probeMillisecondsMax} ms`)),
      probeMillisecondsMax,
    );
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
