import { HttpProblem } from '#libs/server';
import { z } from 'zod';

const reader = z.string().max(200).optional();

export const priorityBody = z.strictObject({
  reader,
  priority: z.enum(['HIGH', 'MEDIUM', 'LOW']).nullable(),
  /** Why: asked for, as the next reader will ask. */
  reason: z.string().trim().min(3, 'say why, in a few words').max(300),
});

export const reviewBody = z.strictObject({
  reader,
  result: z.string().regex(/^[0-9.]{1,64}$/, 'the UID of the AI task whose result it is'),
  finding: z.string().min(1).max(200).nullable().default(null),
  verdict: z.enum(['agree', 'disagree']),
  comment: z.string().trim().max(1000).default(''),
});

/** @throws HttpProblem 400 naming each field that is wrong */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new HttpProblem(400, 'Bad Request', problems.join('; '));
}
