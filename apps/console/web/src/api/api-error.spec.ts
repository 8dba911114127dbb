import { describe, expect, it } from '@jest/globals';
import { ApiError, readApiError, toError } from './api-error.js';

const answer = (status: number, body: string, type: string) =>
  new Response(body, { status, headers: { 'content-type': type } });

describe('readApiError', () => {
  it('takes title and detail from problem+json', async () => {
    const body = JSON.stringify({ title: 'No such study', detail: 'There is none with this UID.' });
    const error = await readApiError(answer(404, body, 'application/problem+json'), '/api/studies/1');
    expect(error).toMatchObject({ status: 404, path: '/api/studies/1', title: 'No such study' });
    expect(error.message).toBe('No such study: There is none with this UID.');
  });

  it.each([
    ['html', '<h1>Bad gateway</h1>', 'text/html'],
    ['broken JSON', '{"title":', 'application/json'],
    ['JSON without words', '[]', 'application/json'],
  ])('falls back to the status for %s', async (_name, body, type) => {
    const error = await readApiError(answer(502, body, type), '/x');
    expect(error.status).toBe(502);
    expect(error.detail).toContain('502');
  });
});

describe('toError', () => {
  it('makes a sentence of a request without an answer', () => {
    expect(toError(new TypeError('Failed to fetch'), '/x')).toMatchObject({ status: 0, title: 'No answer' });
  });

  it('keeps what is clear already', () => {
    const error = new ApiError(404, '/x', 'a', 'b');
    expect(toError(error, '/y')).toBe(error);
    const aborted = new DOMException('gone', 'AbortError');
    expect(toError(aborted, '/y')).toBe(aborted);
    expect(toError('text', '/y').message).toBe('text');
  });
});
