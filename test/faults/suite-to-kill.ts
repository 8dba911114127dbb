import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { freePort, makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';

/** A suite without models on a data folder and a port of its own, which can be started again after it was killed. */
export class SuiteToKill {
  running!: RunningProcess;

  private constructor(
    private readonly data: Awaited<ReturnType<typeof makeDataDir>>,
    private readonly port: number,
    private readonly environment: Record<string, string>,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<SuiteToKill> {
    const data = await makeDataDir();
    await mkdir(path.join(data.dataDir, 'no-models'));
    const suite = new SuiteToKill(data, await freePort(), environment);
    await suite.startAgain();
    return suite;
  }

  get dataDir(): string {
    return this.data.dataDir;
  }

  /** On what is there. */
  async startAgain(): Promise<void> {
    this.running = await startApp({
      dataDir: this.dataDir,
      port: this.port,
      environment: {
        ISOCENTER_MODELS_DIR: path.join(this.dataDir, 'no-models'),
        ISOCENTER_LOG_LEVEL: 'error',
        ...this.environment,
      },
    });
  }

  async end(): Promise<void> {
    await this.running.stop();
    await this.data.remove();
  }
}
