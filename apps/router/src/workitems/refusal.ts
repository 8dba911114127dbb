import { HttpProblem } from '#libs/server';

/** A Warning header field (PS3.18 8.4): plain ASCII, as clients log it. @param service our root as the client sees it */
export function warning(service: string, text: string): string {
  return `299 ${service}: ${text}`;
}

/** A request about a workitem that is refused, with the sentence of PS3.18 chapter 11 that says so to programs. */
export function refusal(
  service: string,
  status: 400 | 403 | 409,
  text: string,
  detail: string,
  extra: Record<string, unknown> = {},
): HttpProblem {
  const title = { 400: 'Bad Request', 403: 'Forbidden', 409: 'Conflict' }[status];
  return new HttpProblem(status, title, detail, extra, { warning: warning(service, text) });
}

export const conflicts = {
  noClaim: 'The target URI did not reference a claimed Workitem.',
  state: 'The submitted request is inconsistent with the current state of the Workitem.',
  upsState: 'The submitted request is inconsistent with the state of the UPS Instance.',
  transactionMissing: 'The Transaction UID is missing.',
  transactionWrong: 'The Transaction UID is incorrect.',
} as const;
