import type { FetchedInput, Model, ModelOutput, ReportDetails, ResultObject } from '../models/model.js';
import { noDetails } from '../models/model.js';
import type { PipelineResult } from '../pipelines/run-pipeline.js';

/** What there is to keep of a run beside its numbers: DICOM objects as files, and what the report tells. */
export async function makeObjects(
  _model: Model,
  _task: FetchedInput,
  _result: PipelineResult,
  _finished: Pick<ModelOutput, 'runtime' | 'startedAt' | 'finishedAt'>,
): Promise<{ objects: ResultObject[]; details: ReportDetails }> {
  return { objects: [], details: noDetails };
}
