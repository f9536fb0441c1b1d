import type { Control } from '../access/control.ts';
import type { RouterContext } from '../context.ts';
import { Commitments, registerCommitmentMetrics } from './commitments.ts';

/** Storage commitment of the running router. */
export function openCommitments(context: RouterContext, control: Pick<Control, 'aeAddress'>): Commitments {
  const { config, archive, access, log, forwarding } = context;
  const commitments = new Commitments({
    dataDir: config.dataDir,
    aeTitle: config.aeTitle,
    archive,
    access,
    log,
    addressOf: (aeTitle) => {
      const is = (each: { aeTitle: string }) => each.aeTitle === aeTitle;
      const destinations = (forwarding?.destinations ?? []).filter((each) => each.kind === 'dimse');
      return control.aeAddress(aeTitle) ?? config.workstations?.find(is) ?? destinations.find(is);
    },
  });
  registerCommitmentMetrics(context.metrics, commitments);
  return commitments;
}
