import { describe, expect, it } from '@jest/globals';
import { readRoute } from './routes.js';

describe('readRoute', () => {
  it.each([
    ['/', { page: 'worklist' }],
    ['/admin', { page: 'admin' }],
    ['/admin/', { page: 'admin' }],
    ['/studies/1.2.840.113619', { page: 'study', studyInstanceUid: '1.2.840.113619' }],
    ['/studies/', { page: 'unknown', path: '/studies/' }],
    ['/studies/1.2/../../etc', { page: 'unknown', path: '/studies/1.2/../../etc' }],
    ['/studies/abc', { page: 'unknown', path: '/studies/abc' }],
    [`/studies/${'1'.repeat(65)}`, { page: 'unknown', path: `/studies/${'1'.repeat(65)}` }],
  ])('%s', (path, expected) => expect(readRoute(path)).toEqual(expected));
});
