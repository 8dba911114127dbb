import { ctSlices } from './corpus.js';
import { type Measurement, runLoop, runOnce, type Server } from './measure.js';
import * as tasks from './object-tasks.js';
import { pssMebibytes } from './process-usage.js';
import type { Row } from './rows.js';

const slicesPerSeries = 200;
const slicesPerRequest = 20;
const sampleMilliseconds = 250;

/**
 * How much more memory a server takes, at the most, while one large study is stored and read back, series by series, than
 * before. Without its process's number there is nothing to see.
 */
export function largeStudyRow(token: string, freshStudy: () => number, megabytes: number): Row {
  return {
    id: 'memory',
    title: `more memory (PSS) while a study of ${megabytes} MB comes and goes`,
    unit: 'MiB',
    run: async (server) => {
      const before = pssMebibytes(server.pids);
      let most = before;
      const timer = setInterval(() => (most = Math.max(most, pssMebibytes(server.pids))), sampleMilliseconds);
      try {
        const measured = await storeAndRead(server, token, freshStudy(), megabytes);
        return { ...measured, rate: server.pids.length === 0 ? NaN : most - before };
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/** @returns of the reading */
async function storeAndRead(server: Server, token: string, study: number, megabytes: number): Promise<Measurement> {
  const reads: ReturnType<typeof tasks.seriesBytesTask>[] = [];
  for (let series = 0, left = megabytes * 1e6; left > 0; series++) {
    let slices = 0;
    let bytes = 0;
    for (; slices < slicesPerSeries && left > 0; slices += slicesPerRequest) {
      // Made when it is their turn: the client does not hold the study either.
      const some = ctSlices(token, study, slicesPerRequest, series, slices);
      await runOnce(server, tasks.storeTask(some));
      const sent = some.reduce((sum, { part10 }) => sum + part10.length, 0);
      bytes += sent;
      left -= sent;
      if (left <= 0 || slices + slicesPerRequest >= slicesPerSeries) reads.push(tasks.seriesBytesTask(some[0]!, bytes));
    }
  }
  return runLoop(server, { connections: 1, next: () => reads.shift() });
}
