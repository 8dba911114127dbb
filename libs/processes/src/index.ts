export { explainFailure } from './explain-failure.js';
export { type Share } from './share.js';
export { answerOthers, askAll } from './siblings.js';
export { startProcesses } from './start-processes.js';
