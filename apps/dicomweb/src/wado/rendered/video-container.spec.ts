import { describe, expect, it } from '@jest/globals';
import { videoContainer } from './video-container.js';

const bytes = (hex: string, length = 400) =>
  Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(length)]).subarray(0, length);
const packets = (offset: number, size: number) => {
  const stream = Buffer.alloc(400, 0xff);
  for (let at = offset; at < stream.length; at += size) stream[at] = 0x47;
  return stream;
};

describe('videoContainer', () => {
  it.each([
    ['mp4', bytes('000000206674797069736f6d')],
    ['mpeg-ts', packets(0, 188)],
    ['mpeg-ts', packets(4, 192)],
    ['mpeg-ps', bytes('000001ba44')],
    ['mpeg2', bytes('000001b316012013')],
    ['annex-b', bytes('0000000167640029')],
    ['annex-b', bytes('0000010967')],
    ['unknown', bytes('ffd8ffe0')],
    ['unknown', Buffer.alloc(0)],
    ['unknown', Buffer.from('GGG')],
  ])('tells %s', (container, start) => {
    expect(videoContainer(start)).toBe(container);
  });
});
