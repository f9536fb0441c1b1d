import type { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';

/** Check what a client sent. @throws BAD_REQUEST naming the field that is wrong. */
export function checked<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new LifeboatError('BAD_REQUEST', field ? `${field}: ${issue.message}` : issue.message);
}
