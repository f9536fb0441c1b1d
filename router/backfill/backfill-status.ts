import type { BackfillPlan, BackfillStatus } from '../../contract/backfill.ts';
import type { BackfillState } from './backfill-state.ts';
import { folderCounts } from './folder-run.ts';
import { finishedAt } from './throughput.ts';

/** What only the running router knows; the command line does without. */
export interface RunningFacts {
  sources: BackfillPlan['via'][];
  waitsFor: string;
  ratePerS: number | null;
}

/** How far the backfill is, from its state. */
export function backfillStatus(state: BackfillState, running: RunningFacts): BackfillStatus {
  const plan = state.plan;
  const counts = state.counts();
  const status: BackfillStatus = {
    state: plan ? state.state : 'none',
    plan,
    ...running,
    ...counts,
    finishedAt: null,
    begunAt: state.fact('begun at') ?? null,
    endedAt: state.fact('ended at') ?? null,
    problems: state.problems(),
  };
  if (plan?.via === 'folder') {
    const { done, found, problems } = folderCounts(state);
    const listed = problems.map(({ path, reason }) => ({
      studyInstanceUID: '',
      patientName: '',
      patientID: '',
      studyDate: '',
      expected: null,
      here: null,
      attempts: 1,
      reason: `${path}: ${reason}`,
    }));
    Object.assign(status, { images: found, imagesDone: done, problems: [...listed, ...status.problems] });
  }
  if (plan && status.state === 'running')
    status.finishedAt = finishedAt(imagesLeft(status), running.ratePerS, plan.window);
  return status;
}

/** Of the studies known, and about as many for each query not yet asked as there were for those asked. */
function imagesLeft({ slices, slicesDone, images, imagesDone }: BackfillStatus): number {
  const unasked = slicesDone > 0 ? ((slices - slicesDone) * images) / slicesDone : 0;
  return images - imagesDone + unasked;
}
