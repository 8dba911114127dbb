import { serveWorker } from '#libs/workers';
import type { ModelOutput } from '../models/model.js';
import type { InferenceRequest } from './model-runtime.js';
import { runModel } from './run-model.js';

/** The child process of ModelRuntime: onnxruntime, the codecs and the pixels live and die here. */
serveWorker<InferenceRequest, ModelOutput>(({ model, task, options }) => runModel(model, task, options));
