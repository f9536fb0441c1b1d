import { Status } from '../dimse/command-set.ts';
import type { ServiceResponse } from '../dimse/dimse-service.ts';
import type { Identifier } from './identifier.ts';
import { type Selected, type SelectionContext, selectInstances } from './selection.ts';

/** At least this often the requester hears that work goes on, ms. */
const STILL_HERE_MS = 10_000;

/**
 * What a C-MOVE or C-GET names, with what only the PACS has fetched first where that is wanted and it is up. Yields pending
 * responses meanwhile. What the PACS does not give is left out: it is as though it were down.
 * @throws as selectInstances
 */
export async function* fetchMissing(
  context: SelectionContext,
  identifier: Identifier,
  signal: AbortSignal,
): AsyncGenerator<ServiceResponse, Selected> {
  const { pacs } = context;
  const here = await selectInstances(context, identifier);
  if (!pacs?.isUp) return here;
  const known = new Set(here.instances.map(({ sopInstanceUID }) => sopInstanceUID));
  let missing = 0;
  try {
    const remote = await pacs.instances(identifier, signal);
    const wanted = remote.filter(({ sopInstanceUID }) => !known.has(sopInstanceUID));
    if (wanted.length === 0) return here;
    missing = wanted.length;
    let told = Date.now();
    for await (const progress of pacs.fetch(wanted, signal)) {
      if (Date.now() - told < STILL_HERE_MS || signal.aborted) continue;
      told = Date.now();
      const remainingSuboperations = Math.min(0xffff, known.size + (progress.remaining ?? missing));
      const none = { completedSuboperations: 0, failedSuboperations: 0, warningSuboperations: 0 };
      yield { status: Status.Pending, fields: { remainingSuboperations, ...none } };
    }
  } catch (error) {
    pacs.failed(error);
    if (missing === 0) return here;
  }
  return selectInstances(context, identifier);
}
