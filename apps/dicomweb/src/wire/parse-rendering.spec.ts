import { describe, expect, it } from '@jest/globals';
import { parseRendering } from './parse-rendering.js';

describe('parseRendering', () => {
  it.each([
    ['', {}],
    ['accept=image/png&charset=utf-8&foo=1&iccprofile=no', {}],
    ['annotation=technique,Patient,patient', { annotation: ['patient', 'technique'] }],
    [
      'annotation=patient,dose,%0d%0a',
      { annotation: ['patient'], ignored: ['The following annotation values are not supported: dose'] },
    ],
    ['iccprofile=sRGB', { iccProfile: 'srgb' }],
    ['iccprofile=yes', { iccProfile: 'yes' }],
    ['quality=75', { quality: 75 }],
    ['Quality=1', { quality: 1 }],
    ['quality=', {}],
    ['window=40,400,linear', { window: { center: 40, width: 400, function: 'LINEAR' } }],
    ['window=-600%2C1500%2Clinear-exact', { window: { center: -600, width: 1500, function: 'LINEAR_EXACT' } }],
    ['window=40.5,0.5,LINEAR_EXACT', { window: { center: 40.5, width: 0.5, function: 'LINEAR_EXACT' } }],
    ['window=1e2,.5,SIGMOID', { window: { center: 100, width: 0.5, function: 'SIGMOID' } }],
    ['window=40,400', { window: { center: 40, width: 400, function: 'LINEAR' } }],
    ['viewport=256%2C256', { viewport: { width: 256, height: 256 } }],
    ['viewport=8192,1', { viewport: { width: 8192, height: 1 } }],
    [
      'viewport=100,200,10,20,300,400',
      { viewport: { width: 100, height: 200, source: { x: 10, y: 20, width: 300, height: 400 } } },
    ],
    [
      'viewport=100,200,,,-300,',
      { viewport: { width: 100, height: 200, source: { x: 0, y: 0, width: -300, height: undefined } } },
    ],
    [
      'viewport=100,200,10',
      { viewport: { width: 100, height: 200, source: { x: 10, y: 0, width: undefined, height: undefined } } },
    ],
  ])('%s', (search, expected) => {
    expect(parseRendering(search)).toEqual(expected);
  });

  it.each([
    'quality=0',
    'quality=101',
    'quality=7.5',
    'quality=high',
    'quality=50&quality=60',
    'window=40',
    'window=40,400,cubic',
    'window=40,400,linear,1',
    'window=40,0,linear',
    'window=40,0.5,linear',
    'window=40,-1,sigmoid',
    'window=a,b,linear',
    'window=NaN,1,linear',
    'window=Infinity,1,linear',
    'viewport=256',
    'viewport=0,256',
    'viewport=-1,256',
    'viewport=8193,1',
    'viewport=1.5,2',
    'viewport=100,100,0,0,0,10',
    'viewport=100,100,-1,0,10,10',
    'viewport=100,100,0,0,10,10,10',
    'viewport=100,100,a',
    'iccprofile=maybe',
  ])('refuses %s', (search) => {
    expect(() => parseRendering(search)).toThrow(/quality|window|viewport|iccprofile/);
  });
});
