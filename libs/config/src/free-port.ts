import { createServer } from 'node:net';

/** A port nobody listens on at this moment: what port 0 stands for, where it must be known before there is a listener. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, host, () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : undefined;
      server.close(() => (port === undefined ? fail(new Error(`No free port on ${host}`)) : done(port)));
    });
  });
}
