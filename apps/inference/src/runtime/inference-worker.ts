import { serveWorker } from '#libs/workers';
import type { InferenceRequest } from './model-runtime.js';
import { reportRun, type RunReport } from './run-model.js';
import { ThreadNetworks } from './thread-networks.js';
import { warmUp } from './warm-up.js';

const networks = new ThreadNetworks();

/** The child process of ModelRuntime: onnxruntime, the codecs and the pixels live and die here. */
serveWorker<InferenceRequest, RunReport | undefined>(async ({ model, task, options, urgency }) => {
  if (task) return reportRun(model, task, options, urgency, networks);
  await warmUp(model, options, networks);
  return undefined;
});
