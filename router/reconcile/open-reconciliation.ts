import type { RouterContext } from '../context.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { sumsOf } from './reconcile-report.ts';
import type { CommitmentProof } from './reconciler.ts';
import { Reconciliation } from './reconciliation.ts';

/** Reconciliation of the running router. */
export function openReconciliation(context: RouterContext, forwarding: Forwarding): Reconciliation {
  const { config, archive, log } = context;
  const proof: CommitmentProof = (peer, entries) => {
    const destination = forwarding.destinations.find(({ name }) => name === peer);
    if (!context.confirmations || destination?.kind !== 'dimse' || destination.commitment !== true) return undefined;
    const contents = new Set(entries.map(({ sopInstanceUID, dataSetSha256 }) => `${sopInstanceUID} ${dataSetSha256}`));
    const proofs = [...new Set(entries.map(({ studyInstanceUID }) => studyInstanceUID))].flatMap((study) =>
      context.confirmations!.confirmedByPacs(study),
    );
    return new Set(
      proofs
        .filter(({ destination: by, confirmed }) => confirmed && by === peer)
        .filter(({ sopInstanceUID, dataSetSha256 }) => contents.has(`${sopInstanceUID} ${dataSetSha256}`))
        .map(({ sopInstanceUID }) => sopInstanceUID),
    );
  };
  return new Reconciliation({
    config,
    archive,
    forwarding,
    log,
    proof,
    onDone: (run) =>
      context.notify?.({
        kind: 'reconciled',
        subject: run.open > 0 ? `${run.open} findings need a person` : `${run.peer} has everything`,
        text: `Comparison with ${run.peer}, ${run.from} to ${run.to}: ${sumsOf(run)}. Open IT, Reconciliation: ${run.open > 0 ? 'decide on each finding, then sign off' : 'sign it off'}.`,
      }),
  });
}
