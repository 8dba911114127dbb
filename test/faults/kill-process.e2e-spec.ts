import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { waitFor } from '../support/start-suite.js';
import { Acknowledged } from './acknowledged.js';
import { SuiteToKill } from './suite-to-kill.js';

jest.setTimeout(600_000);

const writers = 4;
const kills = 4;

/** Several processes of one port: any of them may die, the one that looks after them too. */
describe('a suite of two HTTP processes', () => {
  let suite: SuiteToKill;
  let acknowledged: Acknowledged;

  beforeAll(async () => {
    suite = await SuiteToKill.start({ ISOCENTER_HTTP_PROCESSES: '2' });
    acknowledged = new Acknowledged(suite);
    await waitForBoth();
  });
  afterAll(() => suite?.end());

  it('serves by both, and tells the metrics of both whichever is asked', async () => {
    for (let request = 0; request < 4; request += 1) expect(await processesInMetrics()).toEqual(['1', '2']);
    expect(serving()).toHaveLength(2);
  });

  it('tells every open worklist what any process stores', async () => {
    // One connection each, in turn to one process and the other.
    const streams = await Promise.all(
      Array.from({ length: 4 }, () => openEvents(`${suite.running.url}/api/worklist/events`)),
    );
    const studyInstanceUid = testUid('told to all');
    expect(await acknowledged.store([makeInstance({ studyInstanceUid })])).toBe('stored');
    for (const stream of streams) {
      await waitFor('the study on every worklist', async () =>
        stream.text().includes(studyInstanceUid) ? true : undefined,
      );
      stream.close();
    }
  });

  it('keeps what it acknowledged and goes on serving when one of them is killed, again and again', async () => {
    const isOver = { value: false };
    const sending = Array.from({ length: writers }, async (_, writer) => {
      for (let request = 0; !isOver.value; request += 1) {
        const studyInstanceUid = testUid(`process ${request % 3} ${writer}`);
        const objects = [0, 1].map((index) => makeInstance({ studyInstanceUid, instanceNumber: request * 2 + index }));
        await acknowledged.store(objects);
        // What is stored is all read in the end.
        await sleep(50);
      }
    });
    try {
      for (let round = 0; round < kills; round += 1) {
        const before = acknowledged.length;
        await waitFor('something stored', async () => (acknowledged.length > before + writers ? true : undefined));
        // New connections go to one process and the other in turn: either has some of these when one is killed.
        const halves = await Promise.all(
          Array.from({ length: 8 }, () => startUpload(`${suite.running.dicomweb}/studies`)),
        );
        const victim = serving()[round % 2]!;
        process.kill(victim, 'SIGKILL');
        await waitFor('the end of the process', async () => (isAlive(victim) ? undefined : true));
        const ends = await Promise.all(halves.map((half) => half.finish()));
        expect([...new Set(ends)].sort()).toEqual([200, 'cut']);
        await waitForBoth();
      }
    } finally {
      isOver.value = true;
      await Promise.all(sending);
    }
    await acknowledged.check();
    expect(suite.running.output().match(/another takes its place/g)).toHaveLength(kills);
    expect(suite.running.output().match(/Isocenter is running/g)).toHaveLength(1);
  });

  it('leaves nothing running when the one that looks after them is killed', async () => {
    const family = descendants(suite.running.process.pid!);
    expect(family.length).toBeGreaterThan(2);
    await suite.running.kill();
    await waitFor('all processes to end', async () => (family.some(isAlive) ? undefined : true));
    await suite.startAgain();
    await waitForBoth();
    await acknowledged.check();
  });

  it('ends in order when it is told to', async () => {
    const family = descendants(suite.running.process.pid!);
    expect(await suite.running.stop()).toBe(0);
    expect(family.filter(isAlive)).toEqual([]);
  });

  async function waitForBoth(): Promise<void> {
    await waitFor('two processes', async () => {
      const found = await processesInMetrics().catch(() => []);
      return serving().length === 2 && found.length === 2 ? true : undefined;
    });
  }

  async function processesInMetrics(): Promise<string[]> {
    const text = await (await fetch(`${suite.running.url}/metrics`)).text();
    return [...text.matchAll(/^process_start_time_seconds\{process="(\d)"\}/gm)].map((match) => match[1]!);
  }

  /** Process ids of those that serve. */
  function serving(): number[] {
    return list()
      .filter(({ parent, command }) => parent === suite.running.process.pid && command.includes('main.js'))
      .map(({ pid }) => pid);
  }
});

function list(): { pid: number; parent: number; command: string }[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
  return [...text.matchAll(/^ *(\d+) +(\d+) +(.*)$/gm)].map(([, pid, parent, command = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    command,
  }));
}

function descendants(root: number): number[] {
  const all = list();
  const below = (pid: number): number[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(root);
}

/** A process that ended and was not yet waited for (a zombie) lives no more. */
function isAlive(pid: number): boolean {
  const state = (() => {
    try {
      return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  })();
  return state !== '' && !state.startsWith('Z');
}

/**
 * An upload of which half is sent, to a process that has taken it.
 * @returns `finish`, which sends the rest and tells the status, or that the connection was cut off
 */
async function startUpload(url: string): Promise<{ finish(): Promise<number | 'cut'> }> {
  const { contentType, body } = multipartBody([makeInstance({ studyInstanceUid: testUid('half sent') })]);
  const half = Math.floor(body.length / 2);
  const request = http.request(url, {
    method: 'POST',
    agent: false,
    // "100 Continue" comes from the process that has the request.
    headers: { 'content-type': contentType, 'content-length': body.length, expect: '100-continue' },
  });
  const end = new Promise<number | 'cut'>((resolve) => {
    request.on('error', () => resolve('cut'));
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
  });
  request.flushHeaders();
  await once(request, 'continue');
  request.write(body.subarray(0, half));
  return {
    finish: () => {
      request.end(body.subarray(half));
      return end;
    },
  };
}

async function openEvents(url: string): Promise<{ text(): string; close(): void }> {
  const request = http.get(url, { agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => (text += chunk));
  response.on('error', () => undefined);
  request.on('error', () => undefined);
  return { text: () => text, close: () => request.destroy() };
}
