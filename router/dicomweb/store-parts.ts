import type { LifeboatError } from '../../contract/errors.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { ReceivedInstance } from '../../storage/receive-types.ts';
import type { RouterContext } from '../context.ts';
import type { HeadUids } from './part-head.ts';
import type { StoreFailure } from './store-response.ts';

/** What became of one instance; `warning` is a Store Warning Reason (PS3.18 Table 10.5.3-1). */
export type StoreOutcome = { received: ReceivedInstance; warning?: number } | { failure: StoreFailure };

/** Takes the parts of one store request. */
export interface StoreParts {
  readonly outcomes: readonly StoreOutcome[];
  /** Header names in lower case. */
  begin(headers: ReadonlyMap<string, string>): void | Promise<void>;
  data(chunk: Uint8Array): void | Promise<void>;
  end(): void | Promise<void>;
  /** The body ended inside this part. */
  truncated(): void | Promise<void>;
  /** The connection broke: drop what is unfinished; whole instances stay. */
  abort(): void;
  /** After the last part, or after `abort`: all outcomes are known. */
  settle(): Promise<void>;
}

/** A refused instance, shown where people look for refusals. */
export function storeRefusal(
  ctx: RouterContext,
  source: ReceiveSource,
  uids: HeadUids,
  error: LifeboatError,
): StoreFailure {
  if (error.code === 'INTERNAL') ctx.log.error({ err: error.cause ?? error }, 'storing an instance failed');
  ctx.access.refused({
    channel: 'HTTP',
    peer: source.address ?? '',
    code: error.code,
    message: error.message,
    ...(uids.sopInstanceUID === undefined ? {} : { sopInstanceUID: uids.sopInstanceUID }),
  });
  return { ...uids, error };
}
