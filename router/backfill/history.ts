import type { ReadinessAnswer } from '../../contract/backfill.ts';
import type { RouterContext } from '../context.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { Asking } from '../readiness/asking.ts';
import { readiness } from '../readiness/readiness.ts';
import type { Ris } from '../worklist/ris.ts';
import { Backfill } from './backfill.ts';
import { BackfillState } from './backfill-state.ts';
import { Pace } from './pace.ts';
import { dimseSource, getSource, webSource } from './pacs-source.ts';

/** The history: what is fetched of it, and how much of it is here. */
export interface History {
  backfill: Backfill;
  readiness(days: number): Promise<ReadinessAnswer>;
  start(): void;
  close(): Promise<void>;
}

const DEFAULT_PRIORS = 5;
/** The spool's disk must have room for so many times its least. */
const ROOM = 2;

export function openHistory(
  context: Pick<RouterContext, 'config' | 'archive' | 'log'> & { pacsStatus?: RouterContext['pacsStatus'] },
  forwarding: Forwarding,
  ris: Ris,
): History {
  const { config, archive, log } = context;
  const state = new BackfillState(config.dataDir);
  const sources = {
    dimse: dimseSource(config, forwarding),
    get: getSource(config, forwarding, archive),
    web: webSource(config, forwarding, archive),
  };
  const hindrance = () => {
    if (state.state === 'paused') return 'somebody to resume it';
    if (state.plan?.via !== 'folder' && context.pacsStatus?.().state === 'down') return 'the main PACS, which is down';
    const spool = archive.spool();
    if (spool.storeError) return 'the store, which does not answer';
    if (spool.freeBytes < config.spoolMinFreeBytes * ROOM) return "room on the spool's disk";
    return '';
  };
  const pace = new Pace({ hindrance, firstPauseMs: config.backfillPauseMs });
  const backfill = new Backfill({ dataDir: config.dataDir, archive, state, pace, sources, log });
  const source = sources.dimse ?? sources.web;
  const worklist = () => ris.worklist.items();
  const asking = source && new Asking({ state, source, pace, worklist, priors: config.priors ?? DEFAULT_PRIORS, log });
  ris.onAnswer(() => asking?.wake());
  return {
    backfill,
    readiness: (days) => {
      asking?.wake(days);
      const trouble = () => {
        if (context.pacsStatus?.().state === 'down') return 'it is down';
        return asking?.trouble ?? '';
      };
      return readiness(
        { catalogue: archive.catalogue, state, worklist, possible: source !== undefined, trouble },
        days,
      );
    },
    start: () => {
      backfill.start();
      asking?.start();
    },
    close: async () => {
      await Promise.all([backfill.close(), asking?.close()]);
      state.close();
    },
  };
}
