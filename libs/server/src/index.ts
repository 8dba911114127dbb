export { dicomwebUrlOf } from './dicomweb-url.js';
export { mapErrorCodes } from './http-error.filter.js';
export { HttpProblem } from './http-problem.js';
export { wasReadWithin } from './note-reads.js';
export { type AppParts, runApp, type RunningApp } from './run-app.js';
export { serveWebSockets, type WebSocketConnection } from './web-sockets.js';
