import type { RetentionAnswer } from '../../contract/retention.ts';
import type { RouterContext } from '../context.ts';
import { LockWatch, registerLockMetrics } from './lock-watch.ts';

/** What keeps the archive from being erased, in the running router. */
export class Retention {
  readonly locks: LockWatch;

  constructor({ config, log, metrics }: RouterContext) {
    const replica = config.replica ? [{ role: 'replica' as const, config: config.replica.store }] : [];
    this.locks = new LockWatch([{ role: 'store', config: config.store }, ...replica], log);
    registerLockMetrics(metrics, this.locks);
  }

  start(): void {
    this.locks.start();
  }

  answer(): RetentionAnswer {
    return { locks: this.locks.verdicts() };
  }

  async close(): Promise<void> {
    await this.locks.close();
  }
}
