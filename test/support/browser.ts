import { existsSync } from 'node:fs';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** undefined: there is no browser on this machine. */
export const browserProgram = programs.find((program) => existsSync(program));

const flags = [
  '--no-sandbox',
  // WebGL without a graphics card.
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
];

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserProgram ?? '', args: flags });
}

/** What a page met on the way. */
export interface Troubles {
  /** `status method url` of answers from 400 on. */
  refused: string[];
  /** Uncaught in the page. */
  errors: string[];
}

export function watchTroubles(page: Page): Troubles {
  const troubles: Troubles = { refused: [], errors: [] };
  page.on('pageerror', (error) => troubles.errors.push(error.message));
  page.on('response', (response) => {
    if (response.status() < 400) return;
    troubles.refused.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  return troubles;
}

/** How much of an element shows something: the share of pixels that differ from the most frequent colour, 0 to 1. */
export async function paintedShare(element: Locator): Promise<number> {
  const { data, info } = await sharp(await element.screenshot())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length; at += info.channels) {
    // Shades that the eye takes for one are one.
    const colour = ((data[at]! >> 4) << 8) | ((data[at + 1]! >> 4) << 4) | (data[at + 2]! >> 4);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const pixels = data.length / info.channels;
  return 1 - Math.max(...counts.values()) / pixels;
}

/** Looks until the element shows at least this share, and says how much it shows in the end. */
export async function waitUntilPainted(element: Locator, share: number, secondsMax: number): Promise<number> {
  const deadline = Date.now() + secondsMax * 1000;
  await element.waitFor({ timeout: secondsMax * 1000 });
  for (;;) {
    const painted = await paintedShare(element);
    if (painted >= share || Date.now() > deadline) return painted;
    await new Promise((done) => setTimeout(done, 300));
  }
}
