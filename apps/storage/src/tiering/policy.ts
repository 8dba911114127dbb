import { z } from 'zod';
import { recompressions, tiers } from './tiers.js';

const texts = z.array(z.string().min(1).max(64)).min(1).max(100);

/** Which studies a policy is about: all of what is named here must be so; nothing named is every study. */
const matchSchema = z.strictObject({
  /** The study has a series of one of these. */
  modalities: texts.optional(),
  specialties: texts.optional(),
  bytesMin: z.number().nonnegative().optional(),
  bytesMax: z.number().nonnegative().optional(),
  /** Somebody has reported it here. */
  isRead: z.boolean().optional(),
  isOnLegalHold: z.boolean().optional(),
});

/** When a study goes to a tier. */
const stepSchema = z.strictObject({
  to: z.enum(tiers).exclude(['hot']),
  /** Days since its last instance came, or since it was called back. */
  afterDays: z.number().nonnegative(),
  /** And nobody has read from it for so many days. */
  unusedDays: z.number().nonnegative().optional(),
  /** And its reading is done. */
  requiresReading: z.boolean().optional(),
  /** Compress uncompressed frames on the way, without loss. Those it asks for stay so on tiers beyond. */
  recompress: z.enum(recompressions).optional(),
});

export const policyDefinitionSchema = z.strictObject({
  match: matchSchema.default({}),
  /** None: what matches stays where it is. */
  steps: z.array(stepSchema).max(10).default([]),
});

export const policySchema = z.strictObject({
  position: z.number().int().default(0),
  isEnabled: z.boolean().default(true),
  ...policyDefinitionSchema.shape,
});

export type PolicyDefinition = z.infer<typeof policyDefinitionSchema>;

/** Policies are asked in order, and the first that matches decides. */
export interface Policy extends PolicyDefinition {
  name: string;
}

/** What happens to a study that no other policy matches. */
export function usualPolicy({
  warmAfterDays,
  coldAfterDays,
}: {
  warmAfterDays: number;
  coldAfterDays: number;
}): Policy {
  return {
    name: 'default',
    match: {},
    steps: [
      { to: 'warm', afterDays: warmAfterDays },
      { to: 'cold', afterDays: coldAfterDays },
    ],
  };
}

/** The least days in the archive before which no policy moves anything. */
export function daysMin(policies: readonly Policy[]): number {
  return Math.min(...policies.flatMap(({ steps }) => steps.map(({ afterDays }) => afterDays)));
}
