import { asLifeboatError } from '../../contract/errors.ts';
import type { RetentionPlan } from '../../contract/retention.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { NOBODY_CONFIRMED, type PacsConfirmed } from '../../storage/policy/pacs-confirmed.ts';
import { planRemovals } from '../../storage/policy/plan.ts';
import type { RetentionRule } from '../../storage/policy/rules.ts';

const EXAMPLES = 100;

export interface PlanBoardOptions {
  store: ObjectStore;
  /** Read anew for each plan. Throws CONFIG_INVALID. */
  rules(): RetentionRule[];
  pacs?: PacsConfirmed;
}

/** What the rules would remove, for the page: made when somebody asks for it, in the background. Removes nothing. */
export class PlanBoard {
  readonly #options: PlanBoardOptions;
  readonly #end = new AbortController();
  #plan: RetentionPlan | undefined;
  #making: Promise<void> = Promise.resolve();

  constructor(options: PlanBoardOptions) {
    this.#options = options;
  }

  answer(): RetentionPlan {
    if (this.#plan && this.#plan.state !== 'none') return this.#plan;
    return this.#empty();
  }

  /** Begins a new plan unless one is being made. */
  make(): RetentionPlan {
    if (this.#plan?.state === 'running') return this.#plan;
    const plan = this.#empty();
    this.#plan = plan;
    if (plan.state === 'failed' || plan.state === 'none') return plan;
    plan.state = 'running';
    this.#making = this.#fill(plan).catch((error: unknown) => {
      plan.state = 'failed';
      plan.message = asLifeboatError(error).message;
    });
    return plan;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#making;
  }

  #empty(): RetentionPlan {
    const none = { studies: 0, instances: 0, bytes: 0 };
    const plan: RetentionPlan = {
      state: 'never',
      madeAt: null,
      rules: [],
      studiesLookedAt: 0,
      goes: { ...none },
      keptBack: { ...none },
      examples: [],
    };
    try {
      plan.rules = this.#options.rules().map(({ name, olderThanDays, modalities, removeWithoutProof }) => ({
        name,
        olderThanDays,
        modalities: modalities ?? null,
        withoutProof: removeWithoutProof !== undefined,
      }));
      if (plan.rules.length === 0) plan.state = 'none';
    } catch (error) {
      plan.state = 'failed';
      plan.message = asLifeboatError(error).message;
    }
    return plan;
  }

  async #fill(plan: RetentionPlan): Promise<void> {
    const { store, rules, pacs = NOBODY_CONFIRMED } = this.#options;
    const planned = planRemovals({
      store,
      rules: rules(),
      pacs,
      signal: this.#end.signal,
      onProgress: (studies) => {
        plan.studiesLookedAt = studies;
      },
    });
    for await (const one of planned) {
      const sum = one.goes ? plan.goes : plan.keptBack;
      sum.studies++;
      sum.instances += one.instances;
      sum.bytes += one.bytes;
      if (plan.examples.length < EXAMPLES) plan.examples.push(one);
    }
    plan.examples.sort((a, b) => Number(b.goes) - Number(a.goes));
    plan.state = 'done';
    plan.madeAt = new Date().toISOString();
  }
}
