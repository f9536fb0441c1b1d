import { Status } from '../dimse/command-set.ts';
import { writeShortDataSet } from '../dimse/data-set-json.ts';
import type { ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import type { ForwardedInstance } from '../forward/forward-types.ts';
import type { Outcome } from '../forward/sender.ts';

/** Statuses of C-MOVE and C-GET (PS3.4 Tables C.4-2 and C.4-3). */
const UNABLE_TO_PERFORM = 0xa702;
const SOME_FAILED = 0xb000;
/** Counts are US: more sub-operations than that cannot be told. */
const MOST_TOLD = 0xffff;

/** What became of the C-STORE sub-operations of a C-MOVE or C-GET. */
export class Tally {
  remaining: number;
  completed = 0;
  warning = 0;
  readonly failed: string[] = [];

  constructor(total: number) {
    this.remaining = total;
  }

  count(instance: Pick<ForwardedInstance, 'sopInstanceUID'>, { outcome }: Pick<Outcome, 'outcome'>): void {
    this.remaining--;
    if (outcome === 'sent') this.completed++;
    else if (outcome === 'warning') this.warning++;
    else this.failed.push(instance.sopInstanceUID);
  }

  fields(withRemaining: boolean) {
    const told = (n: number) => Math.min(n, MOST_TOLD);
    return {
      ...(withRemaining && { remainingSuboperations: told(this.remaining) }),
      completedSuboperations: told(this.completed),
      failedSuboperations: told(this.failed.length),
      warningSuboperations: told(this.warning),
    };
  }
}

/** The final response, with the Failed SOP Instance UID List where something failed. */
export function lastResponse(tally: Tally, { context, signal }: ServiceRequest): ServiceResponse {
  const dataSet =
    tally.failed.length > 0
      ? writeShortDataSet({ '00080058': { vr: 'UI', Value: tally.failed } }, context.transferSyntax)
      : undefined;
  const failedList = dataSet && { dataSet };
  if (signal.aborted) return { status: Status.Cancel, fields: tally.fields(true), ...failedList };
  const fields = tally.fields(false);
  if (tally.failed.length === 0 && tally.warning === 0) return { status: Status.Success, fields };
  if (tally.completed + tally.warning === 0) {
    return { status: UNABLE_TO_PERFORM, errorComment: 'No image could be sent.', fields, ...failedList };
  }
  return { status: SOME_FAILED, fields, ...failedList };
}
