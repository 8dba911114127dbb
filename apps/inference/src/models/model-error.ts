/**
 * Why a model could not be loaded or run.
 * - `invalid-model`: its folder is not right (missing file, model.json that does not fit the schema, a network that is not what model.json says)
 * - `altered-model`: model.onnx is not the file that was registered
 * - `invalid-input`: what was fetched cannot be read as the model needs it
 * - `invalid-output`: the network gave NaN, an infinity or the wrong shape
 * - `no-provider`: no execution provider of those configured works here
 */
export type ModelErrorCode = (typeof codes)[number];
const codes = ['invalid-model', 'altered-model', 'invalid-input', 'invalid-output', 'no-provider'] as const;

/** Whether a code that came from another process is one of ours. */
export function isModelErrorCode(code: string | undefined): code is ModelErrorCode {
  return codes.some((one) => one === code);
}

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
