import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { animate } from './animate.js';

const grey = (shade: number, width = 10, height = 6) =>
  sharp(Buffer.alloc(width * height, shade), { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();

describe('animate', () => {
  it('shows pictures one after the other', async () => {
    const shades = [0, 80, 160, 255];
    const gif = await animate(await Promise.all(shades.map((shade) => grey(shade))), 40);
    expect(await sharp(gif, { animated: true }).metadata()).toMatchObject({
      format: 'gif',
      width: 10,
      pageHeight: 6,
      pages: 4,
      loop: 0,
      delay: [40, 40, 40, 40],
    });
    for (const [page, shade] of shades.entries()) {
      const [red] = await sharp(gif, { page }).raw().toBuffer();
      expect(Math.abs(red! - shade)).toBeLessThanOrEqual(2);
    }
  });

  it('keeps colours, and refuses what cannot be', async () => {
    const red = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#ff0000' } })
      .png()
      .toBuffer();
    const [r, g, b] = await sharp(await animate([red, red], 5))
      .raw()
      .toBuffer();
    expect([r! > 250, g! < 5, b! < 5]).toEqual([true, true, true]);
    await expect(animate([], 40)).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(animate([await grey(1), await grey(1, 5, 5)], 40)).rejects.toMatchObject({ code: 'invalid-option' });
  });
});
