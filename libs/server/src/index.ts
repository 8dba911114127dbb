export { mapErrorCodes } from './http-error.filter.js';
export { HttpProblem } from './http-problem.js';
export { type AppParts, runApp, type RunningApp } from './run-app.js';
