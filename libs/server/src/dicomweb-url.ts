import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { baseUrl } from './base-url.js';

/** The root of our DICOMweb services as the client sees it, for absolute URLs. */
export function dicomwebUrlOf(request: FastifyRequest): string {
  const socket = request.raw.socket;
  const url = baseUrl({
    headers: request.headers,
    isEncrypted: (socket as Partial<TLSSocket>).encrypted === true,
    localAddress: socket.localAddress,
    localPort: socket.localPort,
  });
  return `${url}/dicom-web`;
}
