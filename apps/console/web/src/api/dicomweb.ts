import type { DicomJson } from '../dicom/dicom-json.js';
import { requestJson } from './request.js';

const accept = 'application/dicom+json, application/json;q=0.9';

export interface SeriesPath {
  studyInstanceUid: string;
  seriesInstanceUid: string;
}
export interface InstancePath extends SeriesPath {
  sopInstanceUid: string;
}

export const seriesUrl = (path: SeriesPath): string =>
  `/dicom-web/studies/${path.studyInstanceUid}/series/${path.seriesInstanceUid}`;
export const instanceUrl = (path: InstancePath): string => `${seriesUrl(path)}/instances/${path.sopInstanceUid}`;

export function searchSeries(studyInstanceUid: string, signal?: AbortSignal): Promise<DicomJson[]> {
  return requestJson<DicomJson[]>(`/dicom-web/studies/${studyInstanceUid}/series`, {
    accept,
    ...(signal ? { signal } : {}),
  });
}

export function seriesMetadata(path: SeriesPath, signal?: AbortSignal): Promise<DicomJson[]> {
  return requestJson<DicomJson[]>(`${seriesUrl(path)}/metadata`, { accept, ...(signal ? { signal } : {}) });
}
