import type { Control } from '../access/control.ts';
import type { RouterContext } from '../context.ts';
import { Commitments, registerCommitmentMetrics } from './commitments.ts';
import { Confirmations } from './confirmations.ts';

/**
 * Storage commitment of the running router, both roles: `context.commitments` for those who send here, `context.confirmations`
 * of those to whom is passed on.
 */
export function openCommitments(context: RouterContext, control: Pick<Control, 'aeAddress'>) {
  const { config, archive, access, log, forwarding } = context;
  const confirmations =
    forwarding &&
    new Confirmations({
      dataDir: config.dataDir,
      aeTitle: config.aeTitle,
      archive,
      forwarding,
      log,
      ...(config.confirmationTimes && { times: config.confirmationTimes }),
    });
  const commitments = new Commitments(
    {
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
    },
    confirmations && ((request) => confirmations.report(request)),
  );
  if (forwarding && confirmations) {
    forwarding.onSent = (destination, instance) => confirmations.sent(destination, instance);
    forwarding.commitmentOf = (name) => confirmations.counts(name);
    context.confirmations = confirmations;
  }
  context.commitments = commitments;
  registerCommitmentMetrics(context.metrics, commitments);
  return {
    service: commitments.service,
    start: () => {
      commitments.start();
      confirmations?.start();
    },
    close: async () => {
      if (forwarding) {
        forwarding.onSent = undefined;
        forwarding.commitmentOf = undefined;
      }
      await Promise.all([commitments.close(), confirmations?.close()]);
    },
  };
}
