import { mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { store } from '../e2e/wado-support.js';
import { browserProgram, openBrowser, waitUntilPainted, watchTroubles } from '../support/browser.js';
import { serveFolder } from '../support/serve-folder.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { fetchViewer, microscopyViewer } from '../support/viewers.js';
import { type ResultStudy, slideStudy } from './result-studies.js';
import { slidePage } from './slide-page.js';

jest.setTimeout(600_000);

const secondsMax = 90;
const modules = path.resolve(import.meta.dirname, '../../node_modules');
const found = browserProgram === undefined ? { missing: 'no browser' } : await fetchViewer(microscopyViewer);
if ('missing' in found) console.warn(found.missing);
const viewerFolder = 'folder' in found ? found.folder : undefined;

const [columns, rows] = [700, 500];
/** Across the corner where four tiles meet. */
const disc = { x: 256, y: 250, radius: 150 };

/** dicom-microscopy-viewer is what Slim, and OHIF for slides, show them with. */
(viewerFolder === undefined ? describe.skip : describe)('results on slides in dicom-microscopy-viewer', () => {
  let study: ResultStudy;
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveFolder>>;

  beforeAll(async () => {
    data = await makeDataDir();
    const client = readFileSync(path.join(modules, 'dicomweb-client/build/dicomweb-client.js'), 'utf8');
    site = await serveFolder(path.join(viewerFolder!, 'dist/dynamic-import'), {
      prefix: '/dicom-microscopy-viewer/',
      texts: {
        '/slide.html': () => slidePage,
        '/slide.js': () => slideScript(suite.dicomweb),
        '/dicomweb-client.js': () => client,
      },
    });
    const modelsDir = path.join(data.dataDir, 'no-models');
    await mkdir(modelsDir);
    suite = await startApp({
      dataDir: data.dataDir,
      environment: { ISOCENTER_MODELS_DIR: modelsDir, ISOCENTER_CORS_ORIGINS: site.url },
    });
    study = await slideStudy(await discOnGlass());
    await store(suite.dicomweb, study.instances);
    await store(suite.dicomweb, study.objects);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
    await site?.close();
    await data?.remove();
  });

  it('are a segmentation over what was found, tile by tile, and over nothing else', async () => {
    const page = await browser.newPage({ viewport: { width: 1050, height: 750 } });
    const troubles = watchTroubles(page);
    await page.goto(`${site.url}/slide.html?study=${study.studyInstanceUid}`);
    await waitUntilPainted(page.locator('#viewport'), 0.1, secondsMax);
    const place = await waitFor('the whole disc', async () => {
      const [one, other] = [await findDisc(page), await findDisc(page)];
      return one.radius > 50 && one.radius === other.radius ? one : undefined;
    });
    expect(await yellow(page, place)).toEqual({ inDisc: 0, beside: 0 });
    await page.waitForFunction('window.showFirstSegment', undefined, { timeout: secondsMax * 1000 });
    expect(await page.evaluate('window.showFirstSegment()')).toEqual(['Dark', 'Tissue']);
    const deadline = Date.now() + secondsMax * 1000;
    let seen = await yellow(page, place);
    while (seen.inDisc < 0.95 && Date.now() < deadline) seen = await yellow(page, place);
    const folder = process.env['ISOCENTER_SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: path.join(folder, 'results-on-slide.png') });
    expect(seen.inDisc).toBeGreaterThan(0.95);
    expect(seen.beside).toBeLessThan(0.01);
    expect(troubles).toEqual({ refused: [], errors: [] });
    await page.close();
  });

  async function pixelsOf(page: Page): Promise<{ data: Buffer; width: number; height: number }> {
    const { data: pixels, info } = await sharp(await page.locator('#viewport').screenshot())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data: pixels, width: info.width, height: info.height };
  }

  /** All pixels but those of the overview in its corner. */
  function* places({ width, height }: { width: number; height: number }): Generator<[x: number, y: number]> {
    for (let y = 0; y < height; y++) for (let x = y < 200 ? 200 : 0; x < width; x++) yield [x, y];
  }

  /** Where the disc is on the page: by its dark pixels. */
  async function findDisc(page: Page): Promise<{ x: number; y: number; radius: number }> {
    const shown = await pixelsOf(page);
    let [count, sumX, sumY] = [0, 0, 0];
    for (const [x, y] of places(shown)) {
      const [red, green] = shown.data.subarray((y * shown.width + x) * 3) as unknown as [number, number];
      if (red > 130 || green > 110 || (red < 30 && green < 30)) continue;
      count++;
      sumX += x;
      sumY += y;
    }
    return { x: sumX / count, y: sumY / count, radius: Math.sqrt(count / Math.PI) };
  }

  /** The share of yellow, which segments are drawn in, within the disc and outside of it. */
  async function yellow(page: Page, { x: left, y: top, radius }: { x: number; y: number; radius: number }) {
    const shown = await pixelsOf(page);
    const counts = { inDisc: 0, beside: 0, yellowInDisc: 0, yellowBeside: 0 };
    for (const [x, y] of places(shown)) {
      const at = (y * shown.width + x) * 3;
      const isYellow = shown.data[at]! > 150 && shown.data[at + 1]! > 130 && shown.data[at + 2]! < 110;
      const distance = Math.hypot(x - left, y - top) / radius;
      if (distance < 0.96) {
        counts.inDisc++;
        counts.yellowInDisc += Number(isYellow);
      } else if (distance > 1.04) {
        counts.beside++;
        counts.yellowBeside += Number(isYellow);
      }
    }
    return { inDisc: counts.yellowInDisc / counts.inDisc, beside: counts.yellowBeside / counts.beside };
  }
});

async function discOnGlass(): Promise<string> {
  const png = path.join(temporaryFolder('disc'), 'disc.png');
  const pixels = Buffer.alloc(rows * columns * 3, 245);
  for (let at = 0; at < rows * columns; at++)
    if (Math.hypot((at % columns) - disc.x, Math.floor(at / columns) - disc.y) < disc.radius)
      pixels.set([70, 50, 90], at * 3);
  await sharp(pixels, { raw: { width: columns, height: rows, channels: 3 } })
    .png()
    .toFile(png);
  return png;
}

/** As its README says to embed it. */
function slideScript(dicomweb: string): string {
  return `
  window.PUBLIC_LIB_URL = '/dicom-microscopy-viewer/';
  const studyInstanceUID = new URLSearchParams(location.search).get('study');
  const client = new DICOMwebClient.api.DICOMwebClient({ url: ${JSON.stringify(dicomweb)} });
  const series = await client.searchForSeries({ studyInstanceUID });
  const metadataOf = (modality) => client.retrieveSeriesMetadata({
    studyInstanceUID,
    seriesInstanceUID: series.find((one) => one['00080060'].Value[0] === modality)['0020000E'].Value[0],
  });
  const { VLWholeSlideMicroscopyImage, Segmentation } = dicomMicroscopyViewer.metadata;
  const images = (await metadataOf('SM')).map((metadata) => new VLWholeSlideMicroscopyImage({ metadata }));
  const viewer = new dicomMicroscopyViewer.viewer.VolumeImageViewer({ client, metadata: images });
  viewer.render({ container: 'viewport' });
  const segmentations = (await metadataOf('SEG')).map((metadata) => new Segmentation({ metadata }));
  window.showFirstSegment = async () => {
    await viewer.addSegments(segmentations);
    const segments = viewer.getAllSegments();
    viewer.showSegment(segments[0].uid, { opacity: 1 });
    return segments.map(({ label }) => label);
  };
`;
}
