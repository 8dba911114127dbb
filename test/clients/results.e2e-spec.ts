import path from 'node:path';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { type DicomJson, explicitLittleEndian, uidFromHash, writePart10 } from '#libs/dicom';
import { buildSr } from '../../apps/inference/src/results/build-sr.js';
import { runModel } from '../../apps/inference/src/runtime/run-model.js';
import { store } from '../e2e/wado-support.js';
import { fetched, pixelAttributes, studyAttributes } from '../models/fetched-samples.js';
import { brightVolume, loadTiny } from '../models/tiny-models.js';
import { element } from '../../apps/inference/src/runtime/fetch-from-files.fixture.js';
import { browserProgram, openBrowser, waitUntilPainted, watchTroubles } from '../support/browser.js';
import { serveFolder } from '../support/serve-folder.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { fetchViewer, ohif, ohifConfig } from '../support/viewers.js';

jest.setTimeout(600_000);

const secondsMax = 90;
const found = browserProgram === undefined ? { missing: 'no browser' } : await fetchViewer(ohif);
if ('missing' in found) console.warn(found.missing);
const ohifFolder = 'folder' in found ? found.folder : undefined;

/** A study of slices with two bright balls, and what a model made of it: seen by people in a viewer that is not ours. */
(ohifFolder === undefined ? describe.skip : describe)('results in OHIF', () => {
  const studyInstanceUid = uidFromHash('a study for OHIF');
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveFolder>>;

  beforeAll(async () => {
    data = await makeDataDir();
    site = await serveFolder(path.join(ohifFolder!, 'dist'), {
      texts: { '/app-config.js': () => ohifConfig(suite.dicomweb) },
    });
    const modelsDir = path.join(data.dataDir, 'no-models');
    await mkdir(modelsDir);
    suite = await startApp({
      dataDir: data.dataDir,
      environment: { ISOCENTER_MODELS_DIR: modelsDir, ISOCENTER_CORS_ORIGINS: site.url },
    });
    const { instances, objects } = await study();
    await store(suite.dicomweb, instances);
    await store(suite.dicomweb, objects);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
    await site?.close();
    await data?.remove();
  });

  async function study(): Promise<{ instances: Buffer[]; objects: Buffer[] }> {
    const model = await loadTiny('radiology/bright', brightVolume());
    const [rows, columns, count] = [128, 128, 24];
    const frames = new Map<string, Uint8Array[]>();
    const instances = Array.from({ length: count }, (_, slice): DicomJson => {
      const uid = uidFromHash(`slice ${slice} for OHIF`);
      const pixels = Uint8Array.from({ length: rows * columns }, (_value, at) => {
        const [y, x] = [Math.floor(at / columns), at % columns];
        if (Math.hypot(x - 44, y - 64, (slice - 12) * 3) < 26) return 150;
        return Math.hypot(x - 90, y - 64, (slice - 12) * 3) < 16 ? 240 : 30 + (x % 16);
      });
      frames.set(uid, [pixels]);
      return {
        ...studyAttributes('CT', '1.2.840.10008.5.1.4.1.1.2', uid),
        ...pixelAttributes(rows, columns),
        '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'),
        '00100010': element('PN', { Alphabetic: 'Results^Ohif' }),
        '0020000D': element('UI', studyInstanceUid),
        '0020000E': element('UI', uidFromHash('a series for OHIF')),
        '00200013': element('IS', slice + 1),
        '00200032': element('DS', -64, -64, slice * 3),
        '00200037': element('DS', 1, 0, 0, 0, 1, 0),
        '00200052': element('UI', uidFromHash('a frame of reference for OHIF')),
        '00280030': element('DS', 1, 1),
        '00281050': element('DS', 128),
        '00281051': element('DS', 256),
        '00281052': element('DS', 0),
        '00281053': element('DS', 1),
      };
    });
    const task = fetched(model, instances, frames);
    const output = await runModel(model, task, { executionProviders: ['cpu'], intraOpThreads: 1 });
    const sr = buildSr({ sources: task.input.instances, model, output, inputDigest: task.inputDigest });
    return {
      instances: instances.map((instance) => {
        const [pixels] = frames.get(String(instance['00080018']!.Value![0]))!;
        return writePart10(
          { ...instance, '7FE00010': { vr: 'OW', InlineBinary: Buffer.from(pixels!).toString('base64') } },
          explicitLittleEndian,
        );
      }),
      objects: [...output.objects.map(({ file }) => readFileSync(file)), sr.bytes],
    };
  }

  async function show(page: Page, name: string): Promise<void> {
    const folder = process.env['ISOCENTER_SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`) });
  }

  async function openStudy(): Promise<{ page: Page; troubles: ReturnType<typeof watchTroubles> }> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    await context.addInitScript(`localStorage.setItem('shownTours', '["basicViewerTour"]')`);
    const page = await context.newPage();
    const troubles = watchTroubles(page);
    await page.goto(`${site.url}/viewer?StudyInstanceUIDs=${studyInstanceUid}`);
    await waitUntilPainted(page.locator('.cornerstone-canvas').first(), 0.2, secondsMax);
    return { page, troubles };
  }

  const thumbnail = (page: Page, text: RegExp) =>
    page.locator('[data-cy="study-browser-thumbnail-no-image"]', { hasText: text }).first();

  it.each([
    ['a label map', /S:9101/],
    ['a binary segmentation', /S:9100/],
  ])('are %s over the slices', async (name, series) => {
    const { page, troubles } = await openStudy();
    const before = await colours(page);
    await thumbnail(page, series).dblclick({ timeout: secondsMax * 1000 });
    const yes = page.getByRole('button', { name: 'Yes', exact: true });
    await yes.click({ timeout: secondsMax * 1000 });
    const deadline = Date.now() + secondsMax * 1000;
    let after = before;
    // Slices are grey; what is coloured, beside the little there is round them, is the segmentation.
    // The viewport is taken apart and put together again while it loads.
    while (after < before + 0.01 && Date.now() < deadline) after = await colours(page).catch(() => before);
    await show(page, `results ${name}`.replaceAll(' ', '-'));
    expect(after).toBeGreaterThanOrEqual(before + 0.01);
    expect(troubles.refused).toEqual([]);
    await page.close();
  });

  it('are a report that is listed, and opened without complaint', async () => {
    const { page, troubles } = await openStudy();
    const report = thumbnail(page, /S:9000/);
    await report.waitFor({ timeout: secondsMax * 1000 });
    expect(await report.innerText()).toContain('AI: Bright volume');
    await report.dblclick();
    await page.waitForLoadState('networkidle');
    await show(page, 'results-report');
    // It draws only what has a place on the image; what it makes nothing of it must at least not fail at.
    expect(await page.getByText('Something went wrong').count()).toBe(0);
    expect(troubles.refused).toEqual([]);
    await page.close();
  });

  async function colours(page: Page): Promise<number> {
    const png = await page.locator('.cornerstone-canvas').first().screenshot();
    const { default: sharp } = await import('sharp');
    const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    let coloured = 0;
    for (let at = 0; at < data.length; at += 3)
      if (Math.max(data[at]!, data[at + 1]!, data[at + 2]!) - Math.min(data[at]!, data[at + 1]!, data[at + 2]!) > 40)
        coloured++;
    return coloured / (info.width * info.height);
  }
});
