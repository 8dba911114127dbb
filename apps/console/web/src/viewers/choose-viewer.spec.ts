import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '../dicom/dicom-json.js';
import { chooseSeriesViewer, chooseViewer } from './choose-viewer.js';

const instance = (sopClassUid: string, more: DicomJson = {}): DicomJson => ({
  '00080016': { vr: 'UI', Value: [sopClassUid] },
  ...more,
});
const pixels: DicomJson = { '00280010': { vr: 'US', Value: [2] }, '00280011': { vr: 'US', Value: [2] } };

describe('chooseViewer', () => {
  it.each([
    ['CT', instance('1.2.840.10008.5.1.4.1.1.2', pixels), 'stack'],
    ['whole slide', instance('1.2.840.10008.5.1.4.1.1.77.1.6', pixels), 'slide'],
    ['12-lead ECG', instance('1.2.840.10008.5.1.4.1.1.9.1.1'), 'waveform'],
    ['comprehensive SR', instance('1.2.840.10008.5.1.4.1.1.88.33'), 'report'],
    ['key objects', instance('1.2.840.10008.5.1.4.1.1.88.59'), 'report'],
    ['PDF', instance('1.2.840.10008.5.1.4.1.1.104.1'), 'document'],
    ['presentation state', instance('1.2.840.10008.5.1.4.1.1.11.1'), 'unknown'],
    ['nothing at all', {}, 'unknown'],
    [
      'video',
      instance('1.2.840.10008.5.1.4.1.1.77.1.1.1', {
        ...pixels,
        '00083002': { vr: 'UI', Value: ['1.2.840.10008.1.2.4.102'] },
      }),
      'video',
    ],
  ])('%s', (_name, dataset, expected) => expect(chooseViewer(dataset)).toBe(expected));
});

describe('chooseSeriesViewer', () => {
  it('takes what most instances are', () => {
    const report = instance('1.2.840.10008.5.1.4.1.1.88.33');
    const picture = instance('1.2.840.10008.5.1.4.1.1.2', pixels);
    expect(chooseSeriesViewer([report, picture, picture])).toBe('stack');
    expect(chooseSeriesViewer([])).toBe('unknown');
  });
});
