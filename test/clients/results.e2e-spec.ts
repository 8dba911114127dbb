import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { store } from '../e2e/wado-support.js';
import { browserProgram, openBrowser, waitUntilPainted, watchTroubles } from '../support/browser.js';
import { serveFolder } from '../support/serve-folder.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { fetchViewer, ohif, ohifConfig } from '../support/viewers.js';
import { ecgStudy, radiographStudy, type ResultStudy, sliceStudy } from './result-studies.js';

jest.setTimeout(600_000);

const secondsMax = 90;
const found = browserProgram === undefined ? { missing: 'no browser' } : await fetchViewer(ohif);
if ('missing' in found) console.warn(found.missing);
const ohifFolder = 'folder' in found ? found.folder : undefined;

/** A study of slices with two bright balls, and what a model made of it: seen by people in a viewer that is not ours. */
(ohifFolder === undefined ? describe.skip : describe)('results in OHIF', () => {
  let studies: Record<'slices' | 'radiograph' | 'ecg', ResultStudy>;
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
    studies = { slices: await sliceStudy(), radiograph: await radiographStudy(), ecg: await ecgStudy() };
    for (const { instances, objects } of Object.values(studies)) {
      await store(suite.dicomweb, instances);
      await store(suite.dicomweb, objects);
    }
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
    await site?.close();
    await data?.remove();
  });

  async function show(page: Page, name: string): Promise<void> {
    const folder = process.env['ISOCENTER_SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`) });
  }

  async function openStudy(
    name: keyof typeof studies = 'slices',
  ): Promise<{ page: Page; troubles: ReturnType<typeof watchTroubles> }> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    await context.addInitScript(`localStorage.setItem('shownTours', '["basicViewerTour"]')`);
    const page = await context.newPage();
    const troubles = watchTroubles(page);
    await page.goto(`${site.url}/viewer?StudyInstanceUIDs=${studies[name].studyInstanceUid}`);
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

  async function openReport(page: Page, title: string): Promise<void> {
    const report = thumbnail(page, /S:9000/);
    await report.waitFor({ timeout: secondsMax * 1000 });
    expect(await report.innerText()).toContain(title);
    await report.dblclick();
  }

  /**
   * Waits for a text on the page. A browser that is short of time puts the picture there first and the report's outlines
   * after it, and OHIF 3.13 draws those with its next picture only, whatever asks for one: here, a window a pixel smaller.
   */
  async function seen(page: Page, text: string | RegExp, state: 'visible' | 'attached' = 'visible'): Promise<void> {
    const found = page.getByText(text).first();
    const deadline = Date.now() + secondsMax * 1000;
    const { width, height } = page.viewportSize()!;
    for (let smaller = 1; ; smaller = 1 - smaller) {
      const timeout = Math.max(1, Math.min(3000, deadline - Date.now()));
      const missed: unknown = await found.waitFor({ state, timeout }).catch((error: unknown) => error);
      if (missed === undefined) return;
      if (Date.now() >= deadline) throw missed;
      await page.setViewportSize({ width, height: height - smaller });
    }
  }

  it('are a report whose numbers stand beside the outlines on the slice', async () => {
    const { page, troubles } = await openStudy();
    await openReport(page, 'AI: Bright volume');
    await seen(page, 'Volume: 73.69 mL');
    await seen(page, 'Volume: 17.12 mL');
    await show(page, 'results-report-slices');
    expect(troubles).toEqual({ refused: [], errors: [] });
    await page.close();
  });

  it('are a report whose boxes are on the picture, with their scores', async () => {
    const { page, troubles } = await openStudy('radiograph');
    await openReport(page, 'AI: Boxes and a map');
    // It offers to make measurements of its own of boxes, and says nothing of the model's numbers then.
    await page.getByRole('button', { name: 'No', exact: true }).click({ timeout: secondsMax * 1000 });
    await seen(page, 'Score given by the model: 0.90 1');
    // Beside the frame round the whole picture, which a picture as wide as the viewport puts beyond its edge.
    await seen(page, 'Count: 1.00 1', 'attached');
    await show(page, 'results-report-boxes');
    expect(troubles).toEqual({ refused: [], errors: [] });
    await page.close();
  });

  it('are boxes that become measurements of the viewer where that is asked for', async () => {
    const { page, troubles } = await openStudy('radiograph');
    await openReport(page, 'AI: Boxes and a map');
    await page.getByRole('button', { name: 'Yes', exact: true }).click({ timeout: secondsMax * 1000 });
    // 160 by 160 mm: what it measures itself, and none of the model's numbers.
    await seen(page, /^Area: 25600 mm/);
    await show(page, 'results-report-tracked');
    expect(troubles).toEqual({ refused: [], errors: [] });
    await page.close();
  });

  it('are a report in words where nothing has a place on an image', async () => {
    const { page, troubles } = await openStudy('ecg');
    await openReport(page, 'AI: ECG rhythm');
    await seen(page, 'Ventricular Heart Rate');
    await seen(page, '60 /min');
    await seen(page, /^Heart rate 60/);
    await show(page, 'results-report-ecg');
    expect(troubles).toEqual({ refused: [], errors: [] });
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
