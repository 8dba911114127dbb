import { serveWorker } from '#libs/workers';
import type { InferenceRequest } from './model-runtime.js';
import { reportRun, type RunReport } from './run-model.js';
import { ThreadNetworks } from './thread-networks.js';

const networks = new ThreadNetworks();

/** The child process of ModelRuntime: onnxruntime, the codecs and the pixels live and die here. */
serveWorker<InferenceRequest, RunReport>(({ model, task, options, urgency }) =>
  reportRun(model, task, options, urgency, networks),
);
