import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { DicomJson } from '#libs/dicom';
import { store } from '../e2e/wado-support.js';
import { browserProgram, openBrowser, type Troubles, waitUntilPainted, watchTroubles } from '../support/browser.js';
import { makeInstance } from '../support/make-instance.js';
import { serveFolder } from '../support/serve-folder.js';
import { makeDataDir, type RunningProcess, startApp, waitFor } from '../support/start-suite.js';
import { fetchViewer, microscopyViewer, ohif, ohifConfig } from '../support/viewers.js';
import { slidePage } from './slide-page.js';

jest.setTimeout(600_000);

const secondsMax = 60;
const modules = path.resolve(import.meta.dirname, '../../node_modules');
const shared = path.resolve(import.meta.dirname, '../../../shared/data/dicom');

const [ohifFound, microscopyFound] =
  browserProgram === undefined
    ? [{ missing: 'no browser' }, { missing: 'no browser' }]
    : await Promise.all([fetchViewer(ohif), fetchViewer(microscopyViewer)]);
for (const found of [ohifFound, microscopyFound]) if ('missing' in found) console.warn(found.missing);
const ohifFolder = 'folder' in ohifFound ? ohifFound.folder : undefined;
const microscopyFolder = 'folder' in microscopyFound ? microscopyFound.folder : undefined;

/** Viewers that people use, as their makers built them, at origins of their own. */
((ohifFolder ?? microscopyFolder) === undefined ? describe.skip : describe)('web viewers at another origin', () => {
  const sites: Awaited<ReturnType<typeof serveFolder>>[] = [];
  let ohifUrl = '';
  let microscopyUrl = '';
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    data = await makeDataDir();
    const serve = async (...place: Parameters<typeof serveFolder>) => {
      const site = await serveFolder(...place);
      sites.push(site);
      return site.url;
    };
    if (ohifFolder !== undefined) {
      const texts = { '/app-config.js': () => ohifConfig(suite.dicomweb) };
      ohifUrl = await serve(path.join(ohifFolder, 'dist'), { texts });
    }
    if (microscopyFolder !== undefined) {
      const client = readFileSync(path.join(modules, 'dicomweb-client/build/dicomweb-client.js'), 'utf8');
      microscopyUrl = await serve(path.join(microscopyFolder, 'dist/dynamic-import'), {
        prefix: '/dicom-microscopy-viewer/',
        texts: {
          '/slide.html': () => slidePage,
          '/slide.js': () => slideScript(suite.dicomweb),
          '/dicomweb-client.js': () => client,
        },
      });
    }
    const modelsDir = path.join(data.dataDir, 'no-models');
    await mkdir(modelsDir);
    suite = await startApp({
      dataDir: data.dataDir,
      environment: {
        ISOCENTER_SAMPLES: 'on',
        ISOCENTER_MODELS_DIR: modelsDir,
        ISOCENTER_CORS_ORIGINS: sites.map(({ url }) => url).join(),
      },
    });
    browser = await openBrowser();
    context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    // The tour covers what is to be seen.
    await context.addInitScript(`localStorage.setItem('shownTours', '["basicViewerTour"]')`);
    await store(suite.dicomweb, [...mrSlices(), usClip(), enhancedMr()]);
    await Promise.all([holds('SM', 5), holds('CT', 60)]);
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
    await Promise.all(sites.map((site) => site.close()));
    await data?.remove();
  });

  const search = async (query: string) => {
    const response = await fetch(`${suite.dicomweb}/${query}`);
    return response.status === 204 ? [] : ((await response.json()) as DicomJson[]);
  };
  const text = (item: DicomJson, tag: string) => String(item[tag]?.Value?.[0]);

  /** Waits until a study of the modality is all there. @returns its UID */
  function holds(modality: string, instances: number): Promise<string> {
    return waitFor(`${instances} instances of ${modality}`, async () => {
      const [study] = await search(`studies?ModalitiesInStudy=${modality}`);
      return study !== undefined && Number(text(study, '00201208')) >= instances ? text(study, '0020000D') : undefined;
    });
  }

  async function open(url: string): Promise<{ page: Page; troubles: Troubles }> {
    const page = await context.newPage();
    const troubles = watchTroubles(page);
    await page.goto(url);
    return { page, troubles };
  }

  /** Shows the page to who asks for it (ISOCENTER_SCREENSHOTS, a folder), and closes it. */
  async function finish(page: Page, name: string): Promise<void> {
    const folder = process.env['ISOCENTER_SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`) });
    await page.close();
  }

  (ohifFolder === undefined ? describe.skip : describe)('OHIF', () => {
    it('lists the studies', async () => {
      const { page, troubles } = await open(`${ohifUrl}/`);
      for (const name of ['Sample, Chest', 'Sample, Colon', 'Sample, Heart', 'Viewer, Mr', 'Viewer, Us']) {
        await page
          .getByText(name)
          .first()
          .waitFor({ timeout: secondsMax * 1000 });
      }
      await finish(page, 'ohif-list');
      expect(troubles).toEqual({ refused: [], errors: [] });
    });

    it.each([
      ['a CT series', 'viewer', 'StudyDescription=*chest*', '.cornerstone-canvas', 0.2],
      ['an MR series', 'viewer', 'PatientName=Viewer^Mr', '.cornerstone-canvas', 0.2],
      ['an ultrasound clip', 'viewer', 'PatientName=Viewer^Us', '.cornerstone-canvas', 0.2],
      ['an enhanced multi-frame MR', 'viewer', 'PatientName=Viewer^Enhanced', '.cornerstone-canvas', 0.2],
      ['an ECG', 'viewer', 'ModalitiesInStudy=ECG', '.cornerstone-viewport-element, .viewport-element', 0.05],
      ['a slide', 'microscopy', 'ModalitiesInStudy=SM', '.DicomMicroscopyViewer', 0.2],
    ])('shows %s', async (what, mode, query, element, share) => {
      const [study] = await search(`studies?${query}`);
      const { page, troubles } = await open(`${ohifUrl}/${mode}?StudyInstanceUIDs=${text(study!, '0020000D')}`);
      const painted = await waitUntilPainted(page.locator(element).first(), share, secondsMax);
      await finish(page, `ohif ${what}`.replaceAll(' ', '-'));
      expect(troubles.refused).toEqual([]);
      expect(painted).toBeGreaterThanOrEqual(share);
    });
  });

  (microscopyFolder === undefined ? describe.skip : describe)('dicom-microscopy-viewer', () => {
    async function showSlide(studyInstanceUid: string, name: string, share: number): Promise<void> {
      const [series] = await search(`studies/${studyInstanceUid}/series?Modality=SM`);
      const seriesInstanceUid = text(series!, '0020000E');
      const tiles: string[] = [];
      const page = await context.newPage();
      const troubles = watchTroubles(page);
      page.on('response', (response) => {
        if (response.url().includes('/frames/') && response.ok()) tiles.push(response.url());
      });
      await page.goto(`${microscopyUrl}/slide.html?study=${studyInstanceUid}&series=${seriesInstanceUid}`);
      const painted = await waitUntilPainted(page.locator('#viewport'), share, secondsMax);
      await finish(page, name);
      expect(troubles).toEqual({ refused: [], errors: [] });
      expect(painted).toBeGreaterThanOrEqual(share);
      expect(tiles.length).toBeGreaterThan(0);
    }

    it('shows the sample slide, tile by tile', async () => {
      await showSlide(await holds('SM', 5), 'slide', 0.2);
    });

    const pyramid = path.join(shared, 'sm-pathology/mouse-pyramid-5-levels');
    // A real one is too large for this repository: where it is not, there is nothing to try.
    (existsSync(pyramid) ? it : it.skip)('shows a real slide of five levels', async () => {
      const levels = readdirSync(pyramid)
        .map((name) => readFileSync(path.join(pyramid, name)))
        .filter((bytes) => bytes.toString('latin1', 128, 132) === 'DICM');
      await store(suite.dicomweb, levels);
      const studies = await search('studies?ModalitiesInStudy=SM');
      const real = studies.find((study) => !text(study, '00100020').startsWith('ISOCENTER-SAMPLE'));
      await showSlide(text(real!, '0020000D'), 'real-slide', 0.05);
    });
  });
});

function mrSlices(): Buffer[] {
  return Array.from({ length: 4 }, (_, index) =>
    makeInstance({
      modality: 'MR',
      rows: 128,
      columns: 128,
      instanceNumber: index + 1,
      seed: 81,
      patientName: 'Viewer^Mr',
    }),
  );
}

function usClip(): Buffer {
  return makeInstance({
    modality: 'US',
    rows: 120,
    columns: 160,
    frames: 12,
    samplesPerPixel: 3,
    transferSyntaxUid: '1.2.840.10008.1.2.4.50',
    seed: 82,
    patientName: 'Viewer^Us',
  });
}

/** Enhanced MR (PS3.3 A.36.2): its geometry stands in the functional groups. */
function enhancedMr(): Buffer {
  const frames = 6;
  const decimals = (...values: number[]) => ({ vr: 'DS', Value: values });
  const sequence = (item: DicomJson) => ({ vr: 'SQ', Value: [item] });
  return makeInstance({
    modality: 'MR',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.4.1',
    rows: 128,
    columns: 128,
    frames,
    seed: 83,
    patientName: 'Viewer^Enhanced',
    omit: ['00200032', '00200037', '00280030', '00180050'],
    attributes: {
      '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'] },
      '52009229': sequence({
        '00289110': sequence({ '00180050': decimals(5), '00280030': decimals(1, 1) }),
        '00209116': sequence({ '00200037': decimals(1, 0, 0, 0, 1, 0) }),
        '00289145': sequence({
          '00281052': decimals(0),
          '00281053': decimals(1),
          '00281054': { vr: 'LO', Value: ['US'] },
        }),
      }),
      '52009230': {
        vr: 'SQ',
        Value: Array.from({ length: frames }, (_, index) => ({
          '00209111': sequence({ '00209157': { vr: 'UL', Value: [1, index + 1] } }),
          '00209113': sequence({ '00200032': decimals(0, 0, index * 5) }),
        })),
      },
    },
  });
}

/** As its README says to embed it. */
function slideScript(dicomweb: string): string {
  return `
  window.PUBLIC_LIB_URL = '/dicom-microscopy-viewer/';
  const query = new URLSearchParams(location.search);
  const client = new DICOMwebClient.api.DICOMwebClient({ url: ${JSON.stringify(dicomweb)} });
  const metadata = await client.retrieveSeriesMetadata({
    studyInstanceUID: query.get('study'),
    seriesInstanceUID: query.get('series'),
  });
  const { VLWholeSlideMicroscopyImage } = dicomMicroscopyViewer.metadata;
  // Some scanners give each level a frame of reference of its own, which this viewer does not take.
  const [{ '00200052': frameOfReference }] = metadata;
  const images = metadata
    .map((one) => new VLWholeSlideMicroscopyImage({ metadata: { ...one, '00200052': frameOfReference } }))
    .filter(({ ImageType }) => ImageType[2] === 'VOLUME');
  new dicomMicroscopyViewer.viewer.VolumeImageViewer({ client, metadata: images }).render({ container: 'viewport' });
`;
}
