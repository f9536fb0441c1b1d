import { Transform, type TransformCallback } from 'node:stream';
import { LifeboatError } from '../../contract/errors.ts';
import type { ByteRange } from '../object-store.ts';

/**
 * A range against an object of `size` bytes: `end` beyond the object is cut, a `start` at or beyond its end is
 * RANGE_NOT_SATISFIABLE, as HTTP has it (RFC 9110 14.1.2).
 */
export function resolveRange(range: ByteRange | undefined, size: number): { start: number; end: number } {
  if (!range) return { start: 0, end: size };
  const { start, end = size } = range;
  if (!Number.isSafeInteger(start) || start < 0 || !(end > start) || start >= size)
    throw new LifeboatError('RANGE_NOT_SATISFIABLE');
  return { start, end: Math.min(end, size) };
}

/** Passes bytes through and fails when they are not exactly as many as promised: a short body never ends as if whole. */
export function exactLength(expected: number): Transform {
  let passed = 0;
  const damaged = () =>
    new LifeboatError('STORE_UNAVAILABLE', `: the answer broke off after ${passed} of ${expected} bytes`);
  return new Transform({
    readableHighWaterMark: 256 * 1024,
    writableHighWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      passed += chunk.length;
      if (passed > expected) done(damaged());
      else done(null, chunk);
    },
    flush(done: TransformCallback) {
      done(passed === expected ? null : damaged());
    },
  });
}
