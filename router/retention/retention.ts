import { join } from 'node:path';
import { Gauge } from 'prom-client';
import type { MassChangeAlert, RetentionAnswer } from '../../contract/retention.ts';
import { GuardState } from '../../storage/policy/guard-state.ts';
import { type ChangeSignal, MassChangeWatch } from '../../storage/policy/mass-change.ts';
import { theseKeys } from '../../storage/policy/removal-record.ts';
import { removedInShard } from '../../storage/policy/removed.ts';
import { trustedPems } from '../../storage/policy/trusted-keys.ts';
import { isObjectFinding } from '../../storage/repair.ts';
import type { RouterContext } from '../context.ts';
import type { Integrity } from '../integrity.ts';
import { confirmedBy } from './confirmed.ts';
import { GUARD_FILE } from './guard-file.ts';
import { HoldBoard } from './hold-board.ts';
import { LockWatch, registerLockMetrics } from './lock-watch.ts';
import { PlanBoard } from './plan-board.ts';
import { readRules } from './read-rules.ts';

/** So many waiting instances mean that a sender is in full flow. */
const BUSY_SPOOL = 50;

/** What keeps the archive from being erased, in the running router: locks that are tried, and a watch for what vanishes. */
export class Retention {
  readonly locks: LockWatch;
  readonly watch: MassChangeWatch;
  readonly plan: PlanBoard;
  readonly holds: HoldBoard;
  readonly #state: GuardState;
  readonly #context: RouterContext;

  constructor(context: RouterContext, integrity: Integrity) {
    const { config, log, metrics, archive } = context;
    this.#context = context;
    const replica = config.replica ? [{ role: 'replica' as const, config: config.replica.store }] : [];
    this.locks = new LockWatch([{ role: 'store', config: config.store }, ...replica], log, context.ending);
    registerLockMetrics(metrics, this.locks);
    const trusted = theseKeys(trustedPems(config));
    this.#state = new GuardState(join(config.dataDir, GUARD_FILE));
    this.watch = new MassChangeWatch({
      store: archive.store,
      state: this.#state,
      signals: signalsOf(context, integrity, this.#state),
      removedKeys: (shard) => removedInShard(archive.store, shard, trusted),
      mended: () => new Set(integrity.state.repairs().map(({ key }) => key)),
      busy: () => archive.spool().entries > BUSY_SPOOL,
      onAlert: (alert) => this.#tell(alert),
      onProblem: (error) => log.warn({ err: error, code: error.code }, 'retention'),
      ...(config.integrity?.tickMs !== undefined && { everyMs: config.integrity.tickMs }),
    });
    this.holds = new HoldBoard(archive.store, config.store);
    const { confirmations } = context;
    this.plan = new PlanBoard({
      store: archive.store,
      rules: () => readRules(config),
      ...(confirmations && { pacs: confirmedBy(confirmations.queue) }),
    });
    context.massChange = () => this.#state.openAlert();
    const state = this.#state;
    new Gauge({
      name: 'lifeboat_mass_change_images',
      help: 'Images deleted or written over within a day, of an alert that nobody has looked into yet; 0 when there is none',
      registers: [metrics],
      collect() {
        this.set(state.openAlert()?.count ?? 0);
      },
    });
  }

  start(): void {
    this.locks.start();
    this.watch.start();
  }

  answer(): RetentionAnswer {
    return { locks: this.locks.verdicts(), alerts: this.#state.alerts() };
  }

  /** A person has looked into an alert. @returns false when there is no such open one */
  seen(id: number, by: string): boolean {
    return this.#state.seen(id, by);
  }

  async close(): Promise<void> {
    await this.locks.close();
    await this.watch.close();
    await this.plan.close();
    this.#state.close();
  }

  #tell({ count, since, text }: MassChangeAlert): void {
    this.#context.log.error(
      { count, since },
      `MASS CHANGE: ${text} See the integrity page; \`lifeboat restore-versions\`.`,
    );
    this.#context.notify?.({
      kind: 'integrity',
      subject: `${count} images vanished or were written over`,
      text: `${text} Open the page Integrity, and see lifeboat restore-versions.`,
    });
    this.#context.access.audit({
      user: 'router',
      address: 'local',
      action: 'mass-change',
      object: this.#context.archive.store.description,
      detail: text,
      outcome: 'error',
    });
  }
}

function signalsOf({ archive, replica }: RouterContext, integrity: Integrity, state: GuardState): ChangeSignal[] {
  const open = () => integrity.state.findings('open', 100_000);
  return [
    { name: 'the scrub', count: () => open().filter(({ kind }) => isObjectFinding(kind)).length },
    { name: 'the catalogue', count: () => archive.tending().lost?.segments ?? 0 },
    {
      name: 'the comparison with the replica',
      count: () => Math.max(0, (replica?.status().compared?.lostAtSource ?? 0) - state.removed()),
    },
  ];
}
