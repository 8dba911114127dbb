import { HttpProblem } from '#libs/server';
import { z } from 'zod';

/** One thing that is wrong with a request's body, and where it is. */
export interface BodyProblem {
  at: string;
  message: string;
}

/** @throws HttpProblem 400 that says all that is wrong with the body, and where */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  throw badBody(
    result.error.issues.map((issue) => ({ at: z.core.toDotPath(issue.path), message: `${issue.message}.` })),
  );
}

export function badBody(problems: readonly BodyProblem[], title = 'Bad Request'): HttpProblem {
  const detail = problems.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`)).join(' ');
  return new HttpProblem(400, title, detail, { problems });
}
