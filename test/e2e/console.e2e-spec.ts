import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';

jest.setTimeout(600_000);

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const waitMilliseconds = 240_000;
if (executablePath === undefined) console.warn('The console is not tested: there is no chromium on this machine.');

/** The first start of a stranger, seen through a browser. */
(executablePath === undefined ? describe.skip : describe)('the console in a browser', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_SAMPLES: 'on' } });
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ];
    browser = await chromium.launch({ executablePath: executablePath ?? '', args });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('pageerror', (error) => errors.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
    await data?.remove();
  });

  it('shows the samples and their results as they come, without being reloaded', async () => {
    await page.goto(suite.url);
    for (const name of ['SAMPLE, Heart', 'SAMPLE, Colon', 'SAMPLE, Chest']) {
      await page.getByText(name).waitFor({ timeout: waitMilliseconds });
    }
    const positives = async () => (await page.locator('body').innerText()).split('Positive').length - 1;
    expect(await poll(async () => (await positives()) === 3)).toBe(true);
    const text = await page.locator('body').innerText();
    expect(text.indexOf('SAMPLE, Heart')).toBeLessThan(text.indexOf('SAMPLE, Colon'));
    expect(text).toContain('HIGH');
    const widths = () =>
      page
        .locator('img')
        .evaluateAll((images) => images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth));
    expect(await poll(async () => (await widths()).filter((width) => width > 0).length >= 3)).toBe(true);
  });

  it('opens the images of a study with a click, and scrolls through them', async () => {
    await page.getByText('SAMPLE, Chest').click();
    await page.waitForURL('**/studies/**');
    const shown = page.waitForResponse((response) => response.url().includes('/rendered') && response.ok());
    await shown;
    await page.getByText('Im 30 / 60').waitFor({ timeout: waitMilliseconds });
    await page.keyboard.press('ArrowDown');
    await page.getByText('Im 31 / 60').waitFor({ timeout: waitMilliseconds });
    await page.getByText('Emphysema index (LAA-950)').waitFor({ timeout: waitMilliseconds });
    expect(await poll(() => isPainted(page))).toBe(true);
  });

  it('draws the ECG, and the slide in tiles', async () => {
    for (const [name, path] of [
      ['SAMPLE, Heart', '/rendered'],
      ['SAMPLE, Colon', '/frames/'],
    ] as const) {
      await page.goto(suite.url);
      const shown = page.waitForResponse((response) => response.url().includes(path) && response.ok(), {
        timeout: waitMilliseconds,
      });
      await page.getByText(name).click();
      await shown;
    }
  });

  it('met no error on the way', () => {
    expect(errors).toEqual([]);
  });
});

/** Whether the canvas shows more than black. */
function isPainted(page: Page): Promise<boolean> {
  return page
    .locator('canvas')
    .first()
    .evaluate((element) => {
      const canvas = element as unknown as {
        width: number;
        height: number;
        getContext(kind: '2d'): {
          getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
        };
      };
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, index) => index % 4 !== 3 && value > 100);
    });
}

async function poll(look: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + waitMilliseconds;
  while (Date.now() < deadline) {
    if (await look()) return true;
    await new Promise((done) => setTimeout(done, 200));
  }
  return false;
}
