import { LifeboatError } from '../contract/errors.ts';

/** SPOOL_FULL when the disk or a quota is full, SPOOL_UNWRITABLE for every other trouble with it. */
export function spoolError(error: unknown): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return new LifeboatError(full ? 'SPOOL_FULL' : 'SPOOL_UNWRITABLE', undefined, { cause: error });
}
