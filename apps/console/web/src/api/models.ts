import { request, requestJson } from './request.js';

/** A model that inference workers have, by folder or upload, and what it did. */
export interface RegisteredModel {
  model: string;
  version: string;
  specialty: string;
  sha256: string;
  source: 'folder' | 'upload';
  isCurrent: boolean;
  registeredAt: string;
  title: string | null;
  intendedUse: string | null;
  limits: string[];
  licence: string | null;
  tasks: { scheduled: number; inProgress: number; completed: number; canceled: number };
  outcomes: { positive: number; negative: number; inconclusive: number };
}

export interface UploadedModel {
  model: string;
  version: string;
  sha256: string;
}

/** An AI task that was given up after its last attempt. */
export interface InferenceFailure {
  workitemUid: string;
  studyInstanceUid: string | null;
  model: string;
  version: string;
  attempts: number;
  reason: string;
  failedAt: string;
}

export const listModels = (signal: AbortSignal): Promise<{ models: RegisteredModel[] }> =>
  requestJson('/api/models', { signal });

/** @param archive a zip of one version's folder */
export const uploadModel = (archive: Blob): Promise<UploadedModel> =>
  requestJson('/api/models', { method: 'POST', archive });

export const activateModel = (model: string, version: string): Promise<Response> =>
  request(`/api/models/${model}/${version}/activate`, { method: 'POST' });
export const rollBackModel = (model: string): Promise<Response> =>
  request(`/api/models/${model}/rollback`, { method: 'POST' });
export const removeModel = (model: string, version: string): Promise<Response> =>
  request(`/api/models/${model}/${version}`, { method: 'DELETE' });

export const listFailures = (signal: AbortSignal): Promise<{ failures: InferenceFailure[] }> =>
  requestJson('/api/inference/failures', { signal });
export const decideFailure = (workitemUid: string, what: 'retry' | 'discard'): Promise<Response> =>
  request(`/api/inference/failures/${workitemUid}/${what}`, { method: 'POST' });
