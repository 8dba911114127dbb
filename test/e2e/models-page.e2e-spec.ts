import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';
import { browserProgram, openBrowser, watchTroubles } from '../support/browser.js';
import { makeZip } from '../support/make-zip.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';

jest.setTimeout(600_000);

const millisecondsMax = 90_000;
const shipped = path.resolve(import.meta.dirname, '../../models/cardiology/ecg-rhythm/1.1.0');
const manifest = JSON.parse(readFileSync(path.join(shipped, 'model.json'), 'utf8')) as Record<string, unknown>;
if (browserProgram === undefined)
  console.warn('Models on the admin page are not tested: there is no chromium on this machine.');

/** The shipped rhythm analysis as 2.0.0. */
const archive = (changes: Record<string, unknown> = {}) =>
  makeZip({
    'cardiology/ecg-rhythm/2.0.0/model.json': JSON.stringify({ ...manifest, ...changes }),
    'cardiology/ecg-rhythm/2.0.0/model.onnx': readFileSync(path.join(shipped, 'model.onnx')),
    'cardiology/ecg-rhythm/2.0.0/README.md': '# For a test\n',
  });

(browserProgram === undefined ? describe.skip : describe)('models on the admin page', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let browser: Browser;
  let page: Page;
  let troubles: ReturnType<typeof watchTroubles>;
  let models: Locator;

  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir });
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
    page.setDefaultTimeout(millisecondsMax);
    troubles = watchTroubles(page);
    await page.goto(`${suite.url}/admin`);
    models = page.locator('section', { has: page.getByRole('heading', { name: /^Models/ }) });
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
    await data?.remove();
  });

  const upload = async (buffer: Buffer) => {
    await models.locator('input[type=file]').setInputFiles({ name: 'model.zip', mimeType: 'application/zip', buffer });
    await models.getByRole('button', { name: 'Upload and check' }).click();
  };
  const row = (version: string) =>
    models.locator('tr', { hasText: 'cardiology/ecg-rhythm' }).filter({ hasText: version });

  it('are refused with each thing that is wrong', async () => {
    const { summary, ...others } = manifest;
    await upload(await archive({ ...others, summary: undefined, titel: summary }));
    const said = await models.getByRole('alert').innerText();
    expect(said).toContain('model.json: summary: is missing');
    expect(said).toContain('has no key "titel"');
    expect(await row('2.0.0').count()).toBe(0);
  });

  it('are put in force, taken back and deleted', async () => {
    await upload(await archive());
    await models.getByText('is in order and kept').waitFor();
    await row('2.0.0').getByText('not in force').waitFor();
    await models.getByRole('button', { name: 'Activate 2.0.0' }).click();
    await row('1.1.0').getByText('not in force').waitFor();
    await row('2.0.0').getByRole('button', { name: 'Roll back' }).click();
    await row('2.0.0').getByText('not in force').waitFor();
    await row('2.0.0').getByRole('button', { name: 'Delete' }).click();
    await row('2.0.0').getByRole('button', { name: 'Delete 2.0.0 for ever' }).click();
    await row('2.0.0').waitFor({ state: 'detached' });
    await page.getByText('None: every task was done').waitFor();
    expect(troubles.errors).toEqual([]);
    expect(troubles.refused).toEqual([`422 POST ${suite.url}/api/models`]);
  });
});
