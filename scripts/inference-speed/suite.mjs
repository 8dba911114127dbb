// A suite of its own with one model, as a client sees it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../typescript.mjs';
import { cpuSeconds, pssMebibytes } from '../../test/bench/process-usage.ts';

export class Suite {
  constructor({ port, dataDir, models, environment }) {
    this.url = `http://127.0.0.1:${port}`;
    this.process = spawn(
      process.execPath,
      [...(environment.ISOCENTER_SPEED_FLAGS?.split(' ') ?? []), path.join(root, 'dist/apps/suite/src/main.js')],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          ISOCENTER_PORT: port,
          ISOCENTER_DATA_DIR: dataDir,
          ISOCENTER_MODELS_DIR: models,
          ISOCENTER_SAMPLES: 'off',
          ISOCENTER_QUIET_PERIOD_SECONDS: '1',
          ...environment,
        },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    this.ended = new Promise((done) => this.process.once('exit', done));
    void this.ended.then((code) => (this.code = code ?? -1));
  }

  async ready() {
    const isReady = () =>
      fetch(`${this.url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) {
      if (this.code !== undefined) throw new Error(`The suite ended with ${this.code}`);
      await sleep(200);
    }
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
  }

  async ask(place, body) {
    const response = await fetch(`${this.url}${place}`, {
      ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${place}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** In one request. */
  async store(instances) {
    const boundary = 'speed';
    const head = Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
    const parts = instances.flatMap((bytes) => [head, bytes, Buffer.from('\r\n')]);
    const response = await fetch(`${this.url}/dicom-web/studies`, {
      method: 'POST',
      headers: {
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
        accept: 'application/dicom+json',
      },
      body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
    });
    if (!response.ok) throw new Error(`storing: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  async addRule(name, description, model, priority) {
    const gives = { models: [{ model, version: 'current' }], forward: [], schedule: 'now', isLast: false };
    const definition = {
      description: '',
      level: 'study',
      when: { keyword: 'StudyDescription', is: description },
      gives: { ...gives, ...(priority && { priority }) },
    };
    const { ruleId } = await this.ask('/api/rules', { name, definition });
    await this.ask(`/api/rules/${ruleId}/activate`, {});
  }

  /** When a study's AI task was ordered, begun and done, ms. */
  async timesOf(uid) {
    const { events } = await this.ask(`/api/studies/${uid}/timeline`);
    const at = (kind) => Date.parse(events.find((event) => event.kind === kind)?.at);
    return { ordered: at('ai-ordered'), started: at('ai-started'), inferred: at('ai-inferred') };
  }

  /** Asked seldom: asking takes processor time from what is measured. */
  async inferred(uid, everyMilliseconds = 200) {
    for (;;) {
      const times = await this.timesOf(uid).catch((error) => {
        if (this.code !== undefined) throw error;
        return {};
      });
      if (times.inferred) return times;
      await sleep(everyMilliseconds);
    }
  }

  workers() {
    return readFileSync(`/proc/${this.process.pid}/task/${this.process.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference-worker');
        } catch {
          return false;
        }
      });
  }

  /** Processor seconds so far: of the process that runs models, and of all others of the suite, the database among them. */
  processor() {
    const worker = cpuSeconds(this.workers());
    return [worker, cpuSeconds([this.process.pid]) - worker];
  }

  /** Samples memory until it is told to stop; tells the most of it, MiB: of the process that runs models, and of all others. */
  watchMemory() {
    const most = [0, 0];
    const look = () => {
      const worker = pssMebibytes(this.workers());
      const all = pssMebibytes([this.process.pid]);
      most[0] = Math.max(most[0], worker);
      most[1] = Math.max(most[1], all - worker);
    };
    const timer = setInterval(look, 500);
    return () => {
      clearInterval(timer);
      look();
      return most;
    };
  }
}
