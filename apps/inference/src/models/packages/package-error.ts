/** Why an upload was refused, or a version cannot be changed as asked; `status` is that of the answer. */
export class PackageError extends Error {
  override readonly name = 'PackageError';

  constructor(
    readonly code: 'invalid-package' | 'package-too-large' | 'version-taken' | 'unknown-model' | 'version-in-use',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
