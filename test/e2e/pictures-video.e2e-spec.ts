import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { readPart10 } from '#libs/dicom';
import { startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const file = path.resolve(import.meta.dirname, '../../../shared/data/dicom/video/endoscopic-h264-mp4.dcm');
if (executablePath === undefined) console.warn('Videos are not played: there is no chromium on this machine.');
if (!existsSync(file)) console.warn('Videos are not played: there is none beside this repository.');

/** A real video is too large for this repository: where it is not, there is nothing to play. */
(executablePath !== undefined && existsSync(file) ? describe : describe.skip)('a video in a browser', () => {
  let suite: Awaited<ReturnType<typeof startArchive>>;
  let browser: Browser;
  let page: Page;
  let url: string;

  beforeAll(async () => {
    suite = await startArchive();
    const bytes = readFileSync(file);
    await store(suite.dicomweb, [bytes]);
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = readPart10(bytes);
    url = `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/rendered`;
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: executablePath ?? '', args });
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await suite?.stop();
  });

  it('plays from its rendered resource, and from the middle of it', async () => {
    await page.goto(suite.url);
    const played = await page.evaluate(
      `new Promise((resolve, reject) => {
        const video = document.createElement('video');
        video.muted = true;
        video.src = ${JSON.stringify(url)};
        video.onerror = () => reject(new Error('the video failed: ' + video.error.message));
        video.onloadedmetadata = () => { video.currentTime = video.duration / 2; };
        video.onseeked = () => {
          const canvas = document.createElement('canvas');
          canvas.width = video.videoWidth;
          canvas.height = video.videoHeight;
          const context = canvas.getContext('2d');
          context.drawImage(video, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          let brightest = 0;
          for (let at = 0; at < data.length; at += 4) brightest = Math.max(brightest, data[at]);
          resolve({ width: video.videoWidth, height: video.videoHeight, duration: video.duration, brightest });
        };
        document.body.append(video);
      })`,
    );
    expect(played).toMatchObject({ width: 576, height: 456 });
    const { duration, brightest } = played as { duration: number; brightest: number };
    expect(duration).toBeGreaterThan(2);
    expect(brightest).toBeGreaterThan(50);
  });
});
