import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type ContextProposal, MAX_CONTEXTS } from '../dimse/association-requestor.ts';
import { CommandField, type CommandSet, Status } from '../dimse/command-set.ts';
import { DeflatedExplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';
import { clientTlsOptions } from './client-tls.ts';
import type { DimseDestination, ForwardJob } from './forward-types.ts';
import { canConvert, dataSetSize, FALLBACK_SYNTAXES, ownSyntax, ReadAhead, type Sources } from './outgoing.ts';
import type { Outcome, Sender, Settle } from './sender.ts';

/** After so many instances an association is released and a new one asked for: some peers tidy up only then. */
const MOST_PER_ASSOCIATION = 2_000;

const WARNINGS: Record<number, string> = {
  45056: 'the peer coerced data elements', // 0xB000
  45062: 'the peer discarded elements', // 0xB006
  45063: 'data set does not match the SOP class', // 0xB007
};

/** Who asked for the sending by C-MOVE (PS3.7 9.1.1.1.6, 9.1.1.1.7). */
export interface MoveOriginator {
  aeTitle: string;
  messageID: number;
}

/**
 * C-STORE SCU (PS3.4 Annex B) over an association that stays open while there is work for it. Each pair of SOP class and
 * transfer syntax has a presentation context of its own, so that the peer takes what was received as it is; a second one per
 * SOP class offers uncompressed data sets to a peer that will not.
 */
export class DimseSender implements Sender {
  readonly #destination: DimseDestination;
  readonly #sources: Sources;
  readonly #callingAE: string;
  readonly #originator: MoveOriginator | undefined;
  #association: AssociationRequestor | undefined;
  /** What the open association was asked for. */
  #proposed = new Set<string>();
  #sent = 0;

  constructor(destination: DimseDestination, sources: Sources, aeTitle: string, originator?: MoveOriginator) {
    this.#destination = destination;
    this.#sources = sources;
    this.#callingAE = destination.callingAE ?? aeTitle;
    this.#originator = originator;
  }

  async send(jobs: readonly ForwardJob[], settle: Settle, signal: AbortSignal): Promise<void> {
    const reading = new ReadAhead(this.#sources, jobs);
    const stop = () => this.#association?.abort();
    signal.addEventListener('abort', stop);
    try {
      await this.#sendAll(jobs, reading, settle, signal);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #sendAll(jobs: readonly ForwardJob[], reading: ReadAhead, settle: Settle, signal: AbortSignal): Promise<void> {
    for (const [index, job] of jobs.entries()) {
      if (signal.aborted) return;
      let association: AssociationRequestor;
      try {
        association = await this.#associationFor(jobs, index);
      } catch (error) {
        settle(job, failure(asLifeboatError(error)));
        return;
      }
      const outcome = await this.#sendOne(association, reading, job, index);
      const over = association.over;
      if (over) this.#association = undefined;
      if (!settle(job, outcome) || over) return;
    }
  }

  async rest(): Promise<void> {
    const association = this.#association;
    this.#association = undefined;
    await association?.release();
  }

  async #associationFor(jobs: readonly ForwardJob[], index: number): Promise<AssociationRequestor> {
    const open = this.#association;
    const fits = proposalsOf(this.#destination, jobs.slice(index, index + 1)).every(({ key }) =>
      this.#proposed.has(key),
    );
    if (open && !open.over && fits && this.#sent < MOST_PER_ASSOCIATION) {
      this.#sent++;
      return open;
    }
    await this.rest();
    const proposals = proposalsOf(this.#destination, jobs.slice(index));
    const { host, port, aeTitle, tls } = this.#destination;
    const association = await AssociationRequestor.open(
      {
        host,
        port,
        calledAE: aeTitle,
        callingAE: this.#callingAE,
        ...(tls && { tls: clientTlsOptions(tls, host) }),
      },
      proposals.map(({ proposal }) => proposal),
    );
    this.#association = association;
    this.#proposed = new Set(proposals.map(({ key }) => key));
    this.#sent = 1;
    return association;
  }

  async #sendOne(
    association: AssociationRequestor,
    reading: ReadAhead,
    job: ForwardJob,
    index: number,
  ): Promise<Outcome> {
    const { instance } = job;
    const own = ownSyntax(job);
    const mayConvert = this.#destination.transferSyntax === 'transcode' && canConvert(instance);
    const syntaxes = mayConvert ? [own, ...FALLBACK_SYNTAXES] : [own];
    const context = syntaxes
      .map((syntax) => association.contextFor(instance.sopClassUID, syntax))
      .find((accepted) => accepted !== undefined);
    if (!context) return failure(new LifeboatError('PEER_NO_CONTEXT'));
    const asItIs = context.transferSyntax === instance.transferSyntaxUID && job.changes.length === 0;
    if (asItIs && dataSetSize(instance) % 2 === 1 && instance.transferSyntaxUID !== DeflatedExplicitVRLittleEndian) {
      // PS3.8 E.2 allows even fragments only; peers abort the association over it and the instances after it would suffer.
      const message = 'The data set has an odd length, which no DICOM data set can have.';
      return failure(new LifeboatError('DATASET_UNREADABLE', message));
    }
    const dataSet = reading.dataSet(index, context.transferSyntax);
    try {
      // What cannot be read is known before the request goes out: the association survives it.
      const first = await dataSet.next();
      const response = await association.invoke(
        context,
        {
          commandField: CommandField.CStoreRQ,
          priority: 0,
          affectedSOPClassUID: instance.sopClassUID,
          affectedSOPInstanceUID: instance.sopInstanceUID,
          ...(this.#originator && {
            moveOriginatorAE: this.#originator.aeTitle,
            moveOriginatorMessageID: this.#originator.messageID,
          }),
        },
        resumed(first, dataSet),
      );
      return judged(response, asItIs ? '' : conversionNote(job, context.transferSyntax));
    } catch (error) {
      return failure(asLifeboatError(error));
    }
  }
}

export async function* resumed(
  first: IteratorResult<Uint8Array, void>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

interface Proposal {
  key: string;
  proposal: ContextProposal;
}

/** Contexts for these jobs in their order, as many as one association can have. */
function proposalsOf(destination: DimseDestination, jobs: readonly ForwardJob[]): Proposal[] {
  const found = new Map<string, ContextProposal>();
  for (const job of jobs) {
    const { sopClassUID } = job.instance;
    const own = ownSyntax(job);
    const wanted: [string, string[]][] = [[`${sopClassUID} ${own}`, [own]]];
    if (destination.transferSyntax === 'transcode' && canConvert(job.instance)) {
      // One by one: a peer that is offered both in one context may choose the poorer.
      for (const syntax of FALLBACK_SYNTAXES) wanted.push([`${sopClassUID} ${syntax}`, [syntax]]);
    }
    const missing = wanted.filter(([key]) => !found.has(key));
    if (found.size + missing.length > MAX_CONTEXTS) break;
    for (const [key, transferSyntaxes] of missing) found.set(key, { abstractSyntax: sopClassUID, transferSyntaxes });
  }
  return [...found].map(([key, proposal]) => ({ key, proposal }));
}

function conversionNote(job: ForwardJob, sentAs: string): string {
  const notes: string[] = [];
  if (sentAs !== job.instance.transferSyntaxUID) notes.push(`as ${sentAs}`);
  if (job.changes.length > 0) notes.push('with changes of the rules');
  return notes.join(', ');
}

export function judged(response: CommandSet, note: string): Outcome {
  const status = response.status!;
  const shown = `0x${status.toString(16).padStart(4, '0').toUpperCase()}`;
  const comment = response.errorComment ? `: ${response.errorComment.replace(/[.\s]+$/, '')}` : '';
  if (response.commandField !== CommandField.CStoreRSP) {
    return failure(new LifeboatError('DIMSE_PROTOCOL', 'The answer is none to a C-STORE.'));
  }
  const sent = note === '' ? 'sent' : `sent ${note}`;
  if (status === Status.Success) return { outcome: 'sent', status, message: sent };
  if ((status & 0xf000) === 0xb000 || status === 0x0001) {
    const text = WARNINGS[status] ?? 'the peer has a warning';
    return { outcome: 'warning', status, message: `${sent}, but ${text} (${shown}${comment})` };
  }
  const error = new LifeboatError('PEER_FAILED_STATUS', `The peer answered ${shown}${comment}.`);
  return { ...failure(error), status };
}

function failure(error: LifeboatError): Outcome {
  return { outcome: 'failed', message: error.message, error };
}
