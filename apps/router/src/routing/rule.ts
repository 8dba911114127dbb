import { keywordToTag } from '#libs/dicom';
import { z } from 'zod';

/** What the archive counts, beside the attributes in the data. */
export const derivedKeywords = [
  'ModalitiesInStudy',
  'SOPClassesInStudy',
  'SOPClassUID',
  'NumberOfStudyRelatedSeries',
  'NumberOfStudyRelatedInstances',
  'NumberOfSeriesRelatedInstances',
  'NumberOfFrames',
] as const;

const depthMax = 8;
const valuesMax = 100;

/** A DICOM keyword, or a path into sequences: `RequestAttributesSequence.RequestedProcedureID`. */
const keyword = z
  .string()
  .max(200)
  .superRefine((path, context) => {
    for (const part of path.split('.')) {
      if ((derivedKeywords as readonly string[]).includes(part) || keywordToTag(part) !== undefined) continue;
      context.addIssue({ code: 'custom', message: `"${part}" is no DICOM keyword (PS3.6), as "BodyPartExamined" is` });
    }
  });

const value = z.union([z.string().max(200), z.number()]);

const condition = z
  .strictObject({
    keyword,
    /** One value or several of which one is enough; `*` and `?` as in QIDO-RS; without regard to case. */
    is: z.union([value, z.array(value).min(1).max(valuesMax)]).optional(),
    atLeast: value.optional(),
    atMost: value.optional(),
    /** true: present with any value; false: absent or empty. */
    exists: z.boolean().optional(),
  })
  .refine(
    (given) => [given.is, given.atLeast, given.atMost, given.exists].some((part) => part !== undefined),
    'a condition needs is, atLeast, atMost or exists',
  )
  .refine(
    (given) =>
      given.exists === undefined || [given.is, given.atLeast, given.atMost].every((part) => part === undefined),
    'exists stands alone',
  );

export type Condition = z.infer<typeof condition>;
export type Matcher = Condition | { all: Matcher[] } | { any: Matcher[] } | { not: Matcher };

const matcher: z.ZodType<Matcher> = z.lazy(() =>
  z.union([
    condition,
    z.strictObject({ all: z.array(matcher).min(1).max(valuesMax) }),
    z.strictObject({ any: z.array(matcher).min(1).max(valuesMax) }),
    z.strictObject({ not: matcher }),
  ]),
);

/** `definition` of a row in routing_rule. */
export const ruleDefinitionSchema = z.strictObject({
  description: z.string().max(500).optional(),
  /**
   * 'series': one series of the study must fulfil the whole condition (its own attributes, else the study's).
   * 'study': each condition is asked of all values the study and its series have.
   */
  level: z.enum(['series', 'study']).default('series'),
  when: matcher.refine((when) => depth(when) <= depthMax, `conditions may be nested ${depthMax} deep`),
  /** What a matching rule gives its study. */
  gives: z.strictObject({
    models: z
      .array(
        z.strictObject({
          model: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'a model is called <specialty>/<name>'),
          /** 'current' or a version. */
          version: z.string().min(1).max(64).default('current'),
        }),
      )
      .max(20),
    /** Raises the study and its tasks to at least this. */
    priority: z.enum(['HIGH', 'MEDIUM', 'LOW']).optional(),
    /** The reading is due so long after arrival, if its priority asks for nothing sooner. */
    deadlineMinutes: z.number().positive().max(525_600).optional(),
    /** Rules after this one are not asked. */
    isLast: z.boolean().default(false),
  }),
});

export type RuleDefinition = z.infer<typeof ruleDefinitionSchema>;

/** A rule as its row says it; the definition is read when it is used, so that one bad rule spoils only itself. */
export interface RoutingRule {
  ruleId: string;
  version: number;
  position: number;
  name: string;
  isEnabled: boolean;
  definition: unknown;
}

function depth(when: Matcher): number {
  if ('all' in when) return 1 + Math.max(...when.all.map(depth));
  if ('any' in when) return 1 + Math.max(...when.any.map(depth));
  if ('not' in when) return 1 + depth(when.not);
  return 1;
}
