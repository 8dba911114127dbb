import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { sendSamples } from '../../apps/suite/src/samples/send-samples.js';
import { type DicomJson, jsonItems, jsonText } from '#libs/dicom';
import { shapes, startShape, type RunningSuite } from '../support/start-shape.js';
import { waitFor } from '../support/start-suite.js';
import { getWorklist, waitForResults, type WorklistItem } from '../support/worklist.js';

jest.setTimeout(600_000);

const samples = ['ISOCENTER-SAMPLE-1', 'ISOCENTER-SAMPLE-2', 'ISOCENTER-SAMPLE-3'];

describe.each(shapes)('a study goes in, a triaged worklist comes out: %s', (shape) => {
  let suite: RunningSuite;
  let items: WorklistItem[];
  let events: LiveEvents;

  beforeAll(async () => {
    suite = await startShape(shape);
    events = await listen(suite.url);
    await sendSamples(suite.dicomweb, { signal: new AbortController().signal, log: () => undefined });
    items = await waitForResults(suite.url, samples);
  });
  afterAll(async () => {
    events?.close();
    await suite?.remove();
  });

  it('sends each study to the model of its specialty', () => {
    expect(items.map((item) => [item.specialty, item.ai.results.map((result) => result.model)])).toEqual([
      ['radiology', ['radiology/lung-density']],
      ['cardiology', ['cardiology/ecg-rhythm']],
      ['pathology', ['pathology/he-cellularity']],
    ]);
  });

  it('finds what the phantoms have: emphysema, and a fast irregular rhythm', () => {
    const value = (item: WorklistItem, name: RegExp) =>
      item.ai.results[0]?.findings.find((finding) => name.test(finding.name))?.value ?? Number.NaN;
    const [chest, ecg, slide] = items as [WorklistItem, WorklistItem, WorklistItem];
    expect(chest.ai.state).toBe('positive');
    expect(value(chest, /emphysema/i)).toBeGreaterThan(6);
    expect(value(chest, /volume/i)).toBeGreaterThan(2_000);
    expect(value(chest, /volume/i)).toBeLessThan(9_000);
    expect(ecg.ai.state).toBe('positive');
    expect(value(ecg, /heart rate/i)).toBeGreaterThan(90);
    expect(value(ecg, /RR.*variation/i)).toBeGreaterThan(12);
    expect(['positive', 'negative']).toContain(slide.ai.state);
    expect(value(slide, /tissue share/i)).toBeGreaterThan(5);
  });

  it('lets the reading priority follow the finding, and orders the list by it', async () => {
    const ecg = items[1]!;
    expect(ecg.priority).toBe('HIGH');
    expect(ecg.priorityReason).toMatch(/ecg-rhythm|rhythm|RR/i);
    const list = await getWorklist(suite.url);
    expect(list[0]?.patientId).toBe('ISOCENTER-SAMPLE-2');
  });

  it('stores each result as a TID 1500 report in the study it is about', async () => {
    for (const item of items) {
      const { report } = item.ai.results[0]!;
      const url = `${suite.dicomweb}/studies/${item.studyInstanceUid}/series/${report?.seriesInstanceUid}/instances/${report?.sopInstanceUid}/metadata`;
      const [sr] = (await (await fetch(url)).json()) as [DicomJson];
      expect(jsonText(sr, '00080060')).toBe('SR');
      expect(jsonText(jsonItems(sr, '0040A504')[0] ?? {}, '0040DB00')).toBe('1500');
      expect(JSON.stringify(sr)).toContain('Algorithm Version');
    }
  });

  it('completes the workitems, and shows no Transaction UID', async () => {
    const response = await fetch(`${suite.url}/dicom-web/workitems?ProcedureStepState=COMPLETED`);
    const workitems = (await response.json()) as DicomJson[];
    expect(workitems).toHaveLength(3);
    expect(JSON.stringify(workitems)).not.toContain('00081195');
  });

  it('tells the open page of every result', async () => {
    await waitFor('an event of each result', async () => {
      const settled = events.items.filter((item) => item.ai.results.some((result) => result.state === 'COMPLETED'));
      return new Set(settled.map((item) => item.patientId)).size === samples.length || undefined;
    });
  });

  it('says why a study went where it went', async () => {
    const response = await fetch(`${suite.url}/api/studies/${items[0]!.studyInstanceUid}`);
    const { routing } = (await response.json()) as {
      routing: { specialty: { value: string; reason: string }; rules: { matched: boolean }[] };
    };
    expect(routing.specialty.value).toBe('radiology');
    expect(routing.specialty.reason).not.toBe('');
    expect(routing.rules.filter((rule) => rule.matched)).toHaveLength(1);
  });

  it('has a picture of each study', async () => {
    for (const item of items) {
      const response = await fetch(new URL(item.thumbnailUrl, suite.dicomweb));
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(1_000);
    }
  });

  // Last: it stops what the others look at.
  it('stops cleanly, and finds everything again at the next start', async () => {
    events.close();
    expect(await suite.stop()).toEqual(suite.processes.map(() => 0));
    suite = await suite.restart();
    const again = await waitForResults(suite.url, samples);
    expect(again.map((item) => item.ai.summary)).toEqual(items.map((item) => item.ai.summary));
    expect(again.map((item) => item.ai.results.length)).toEqual([1, 1, 1]);
  });
});

interface LiveEvents {
  items: WorklistItem[];
  close(): void;
}

/** Reads the server-sent events as a page would. */
async function listen(url: string): Promise<LiveEvents> {
  const closing = new AbortController();
  const response = await fetch(`${url}/api/worklist/events`, { signal: closing.signal });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const items: WorklistItem[] = [];
  void (async () => {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) items.push((JSON.parse(data) as { item: WorklistItem }).item);
      }
    }
  })().catch(() => undefined); // closed by us
  return { items, close: () => closing.abort() };
}
