import { HttpException } from '@nestjs/common';

/** An answer that is an error, as the edges say it (RFC 9457): what is wrong, where, and what would be right. */
export class HttpProblem extends HttpException {
  /** @param title the kind of problem in a few words; @param detail this case: never a stack, SQL, or a patient's data */
  constructor(
    status: number,
    readonly title: string,
    readonly detail: string,
    readonly extra: Record<string, unknown> = {},
    readonly headers: Record<string, string> = {},
  ) {
    super(title, status);
    this.message = `${title}: ${detail}`;
  }
}
