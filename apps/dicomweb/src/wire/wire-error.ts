/** The request cannot be understood: `invalid-request`, answered with 400. The message says which part and what would be right. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code = 'invalid-request';
}
