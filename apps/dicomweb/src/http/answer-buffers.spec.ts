import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { reuseWhenSent, takeAnswerBuffer } from './answer-buffers.js';

describe('buffers of answers', () => {
  const response = () => new EventEmitter() as ServerResponse;

  it('are used again when the answer has gone out, and not before', () => {
    const sent = response();
    const first = takeAnswerBuffer(100_000);
    reuseWhenSent(sent, first);
    expect(takeAnswerBuffer(100_000).buffer).not.toBe(first.buffer);
    sent.emit('finish');
    const second = takeAnswerBuffer(110_000);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(110_000);
    expect(takeAnswerBuffer(100_000).buffer).not.toBe(first.buffer);
  });

  it('are not used again when the answer was cut off', () => {
    const cut = response();
    const buffer = takeAnswerBuffer(300_000);
    reuseWhenSent(cut, buffer);
    cut.emit('close');
    expect(takeAnswerBuffer(300_000).buffer).not.toBe(buffer.buffer);
  });

  it.each([0, 1, 16_384, 1_048_576, 1_048_577])('have the size asked for: %i', (bytes) => {
    const sent = response();
    const buffer = takeAnswerBuffer(bytes);
    expect(buffer).toHaveLength(bytes);
    reuseWhenSent(sent, buffer);
    sent.emit('finish');
    expect(takeAnswerBuffer(bytes)).toHaveLength(bytes);
  });
});
