import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type ContextProposal, MAX_CONTEXTS, type PeerAddress } from './association-requestor.ts';
import { CommandField, type CommandSet, Status } from './command-set.ts';
import { part10File } from './part10-file.ts';
import { DeflatedExplicitVRLittleEndian } from './transfer-syntaxes.ts';

/** An instance to send: what it is, and how to read its data set. */
export interface OutgoingInstance {
  /** For progress and results. */
  name: string;
  sopClassUID: string;
  sopInstanceUID: string;
  transferSyntaxUID: string;
  /** Bytes of the data set. */
  size: number;
  /** The data set's bytes from its first to its last, encoded in `transferSyntaxUID`. */
  open(): AsyncIterable<Uint8Array>;
}

/**
 * What became of one instance. `sent` and `warning`: the peer answered that it has it (a warning may mean that it changed
 * something). Everything else is `failed`, also when no answer came.
 */
export interface SendResult {
  name: string;
  sopInstanceUID: string;
  outcome: 'sent' | 'warning' | 'failed';
  /** The peer's status, when it answered. */
  status?: number;
  /** For people. */
  message: string;
  error?: LifeboatError;
}

export interface SendOptions extends PeerAddress {
  /** Part 10 files, sent in this order together with `instances`. */
  files?: readonly string[];
  instances?: readonly OutgoingInstance[];
  /** After each instance. */
  onProgress?: (done: number, total: number, last: SendResult) => void;
  /** Stops between two instances; what was not sent is reported as failed. */
  signal?: AbortSignal;
}

export interface SendReport {
  results: SendResult[];
  sent: number;
  warnings: number;
  failed: number;
}

interface Job {
  index: number;
  instance: OutgoingInstance;
}

const WARNING_TEXT: Record<number, string> = {
  45056: 'the peer coerced data elements', // 0xB000
  45062: 'the peer discarded elements', // 0xB006
  45063: 'data set does not match the SOP class', // 0xB007
};

/**
 * C-STORE SCU (PS3.4 Annex B): sends instances over as few associations as their presentation contexts allow (one context
 * for each pair of SOP class and transfer syntax, so that nothing needs re-encoding), streaming, one after the other.
 * Never throws for what a peer or a file does wrong: every instance has its result. After a lost association the
 * instances that remain of it are reported as failed; trying again is the caller's decision.
 */
export async function sendInstances(options: SendOptions): Promise<SendReport> {
  const total = (options.files?.length ?? 0) + (options.instances?.length ?? 0);
  const results: SendResult[] = new Array(total);
  let done = 0;
  const settle = (index: number, result: SendResult): void => {
    results[index] = result;
    options.onProgress?.(++done, total, result);
  };
  const jobs: Job[] = [];
  let index = 0;
  for (const path of options.files ?? []) {
    try {
      jobs.push({ index, instance: await part10File(path) });
    } catch (error) {
      settle(index, failed(path, '', error));
    }
    index++;
  }
  for (const instance of options.instances ?? []) jobs.push({ index: index++, instance });
  for (const batch of batches(jobs)) await sendBatch(options, batch, settle);
  const count = (outcome: SendResult['outcome']) => results.filter((r) => r.outcome === outcome).length;
  return { results, sent: count('sent'), warnings: count('warning'), failed: count('failed') };
}

interface Batch {
  jobs: Job[];
  contexts: Map<string, ContextProposal>;
}

/** Cuts the jobs, in their order, where an association would need more presentation contexts than there can be. */
function batches(jobs: readonly Job[]): Batch[] {
  const list: Batch[] = [];
  let batch: Batch | undefined;
  for (const job of jobs) {
    const { sopClassUID, transferSyntaxUID } = job.instance;
    const key = `${sopClassUID} ${transferSyntaxUID}`;
    if (!batch || (!batch.contexts.has(key) && batch.contexts.size === MAX_CONTEXTS)) {
      batch = { jobs: [], contexts: new Map() };
      list.push(batch);
    }
    batch.jobs.push(job);
    batch.contexts.set(key, { abstractSyntax: sopClassUID, transferSyntaxes: [transferSyntaxUID] });
  }
  return list;
}

async function sendBatch(
  options: SendOptions,
  batch: Batch,
  settle: (index: number, result: SendResult) => void,
): Promise<void> {
  let association: AssociationRequestor | undefined;
  let broken: LifeboatError | undefined;
  try {
    association = await AssociationRequestor.open(options, [...batch.contexts.values()]);
  } catch (error) {
    broken = asLifeboatError(error);
  }
  for (const { index, instance } of batch.jobs) {
    if (!broken && options.signal?.aborted) broken = new LifeboatError('PEER_ABORTED', 'Sending was stopped.');
    if (broken || !association) {
      settle(index, failed(instance.name, instance.sopInstanceUID, broken));
      continue;
    }
    const result = await sendOne(association, instance);
    if (association.over) broken = result.error ?? new LifeboatError('DIMSE_CONNECTION_LOST');
    settle(index, result);
  }
  await association?.release();
}

async function sendOne(association: AssociationRequestor, instance: OutgoingInstance): Promise<SendResult> {
  const { name, sopClassUID, sopInstanceUID, transferSyntaxUID } = instance;
  const context = association.contextFor(sopClassUID, transferSyntaxUID);
  if (!context) return failed(name, sopInstanceUID, new LifeboatError('PEER_NO_CONTEXT'));
  const isDeflated = transferSyntaxUID === DeflatedExplicitVRLittleEndian;
  if (instance.size % 2 === 1 && !isDeflated) {
    // PS3.8 E.2 allows even fragments only; peers abort the association over it and the instances after it would suffer.
    const message = 'The data set has an odd length, which no DICOM data set can have.';
    return failed(name, sopInstanceUID, new LifeboatError('DATASET_UNREADABLE', message));
  }
  try {
    const response = await association.invoke(
      context,
      {
        commandField: CommandField.CStoreRQ,
        priority: 0,
        affectedSOPClassUID: sopClassUID,
        affectedSOPInstanceUID: sopInstanceUID,
      },
      instance.open(),
    );
    return judge(name, sopInstanceUID, response);
  } catch (error) {
    return failed(name, sopInstanceUID, error);
  }
}

function judge(name: string, sopInstanceUID: string, response: CommandSet): SendResult {
  const status = response.status!;
  const shown = `0x${status.toString(16).padStart(4, '0').toUpperCase()}`;
  const comment = response.errorComment ? `: ${response.errorComment.replace(/[.\s]+$/, '')}` : '';
  if (response.commandField !== CommandField.CStoreRSP) {
    return failed(name, sopInstanceUID, new LifeboatError('DIMSE_PROTOCOL', 'The answer is none to a C-STORE.'));
  }
  if (status === Status.Success) return { name, sopInstanceUID, outcome: 'sent', status, message: 'sent' };
  if ((status & 0xf000) === 0xb000 || status === 0x0001) {
    const text = WARNING_TEXT[status] ?? 'the peer has a warning';
    return { name, sopInstanceUID, outcome: 'warning', status, message: `sent, but ${text} (${shown}${comment})` };
  }
  const error = new LifeboatError('PEER_FAILED_STATUS', `The peer answered ${shown}${comment}.`);
  return { ...failed(name, sopInstanceUID, error), status };
}

function failed(name: string, sopInstanceUID: string, cause: unknown): SendResult {
  const error = asLifeboatError(cause);
  return { name, sopInstanceUID, outcome: 'failed', message: error.message, error };
}
