import { z } from 'zod';

/** `<word>` or `<word>.<word>`: names of tensors, values and measurements inside one manifest. */
export const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$/, 'a name is letters, digits and _, optionally one dot');
/** A name that something of several parts goes by: its parts are `<name>.<part>`. */
export const names = z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'a name here is letters, digits and _, without a dot');

export const positive = z.number().positive();
export const sentence = z
  .string()
  .min(10, 'write a sentence')
  .meta({ examples: ['Adults only; not tried on children.'] });

export const code = z
  .strictObject({
    value: z.string().min(1).max(16, 'a code value has at most 16 characters (VR SH)'),
    scheme: z.string().min(1).max(16),
    meaning: z.string().min(1).max(64),
  })
  .meta({ examples: [{ value: '118565006', scheme: 'SCT', meaning: 'Volume' }] });
