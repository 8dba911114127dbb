/** Says why a start failed. What the operator can mend is said in a sentence, without a stack. */
export function explainFailure(error: unknown): void {
  console.error(isForTheOperator(error) ? error.message : error);
}

function isForTheOperator(error: unknown): error is Error {
  const codes = ['invalid-configuration', 'data-folder-in-use', 'EADDRINUSE', 'EACCES'];
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
