import type { Logger } from 'pino';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { AuditEvent } from '../access/access-types.ts';
import { CommandField, Status } from '../dimse/command-set.ts';
import { readShortDataSet } from '../dimse/data-set-json.ts';
import type { DimseService, ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import { declaredIn } from '../query-retrieve/identifier.ts';
import { answerOf, writeAnswer } from './worklist-answer.ts';
import { hasTooManyWildcards, matchesItem } from './worklist-match.ts';
import { MODALITY_WORKLIST_FIND } from './worklist-scu.ts';
import type { WorklistStore } from './worklist-store.ts';

/** C-FIND failures (PS3.4 Table K.4-1). */
const IDENTIFIER_MISMATCH = 0xa900;
const UNABLE_TO_PROCESS = 0xc000;
/** An old list is worth a warning in the log, ms. */
const OLD_MS = 15 * 60_000;

export interface WorklistScpContext {
  store: WorklistStore;
  log: Logger;
  /** Many queries of one kind are one row of the audit trail. */
  note(event: AuditEvent): void;
}

/**
 * Modality Worklist SCP (PS3.4 Annex K) from the last known answers of the RIS, whether it answers now or not. Whoever may send
 * images here may ask.
 */
export function worklistScp(context: WorklistScpContext): DimseService {
  return { abstractSyntaxes: [MODALITY_WORKLIST_FIND], serve: (request) => find(context, request) };
}

async function* find(context: WorklistScpContext, request: ServiceRequest): AsyncGenerator<ServiceResponse> {
  const { store, log, note } = context;
  const { callingAE, address } = request;
  if (request.command.commandField !== CommandField.CFindRQ) {
    yield { status: Status.UnrecognizedOperation, errorComment: 'The worklist is only queried (C-FIND).' };
    return;
  }
  let identifier: DicomJson;
  try {
    identifier = readIdentifier(request);
  } catch (cause) {
    const { message } = asLifeboatError(cause);
    note({ user: callingAE, address, action: 'query', object: 'worklist', detail: message, outcome: 'error' });
    yield { status: IDENTIFIER_MISMATCH, errorComment: message };
    return;
  }
  const found = store.items().filter(({ item }) => matchesItem(identifier, item));
  note({ user: callingAE, address, action: 'query', object: 'worklist', detail: 'modality worklist', outcome: 'ok' });
  tell(store, log, callingAE, found.length);
  const { transferSyntax } = request.context;
  const declared = declaredIn(request.dataSet!, transferSyntax);
  for (const { item } of found) {
    if (request.signal.aborted) {
      yield { status: Status.Cancel };
      return;
    }
    let dataSet: Buffer;
    try {
      dataSet = writeAnswer(answerOf(identifier, item), transferSyntax, declared);
    } catch (cause) {
      const { message } = asLifeboatError(cause);
      log.error({ callingAE, err: cause }, 'an entry of the worklist cannot be written');
      yield { status: UNABLE_TO_PROCESS, errorComment: message };
      return;
    }
    yield { status: Status.Pending, dataSet };
  }
  yield { status: Status.Success };
}

function readIdentifier({ dataSet, context }: ServiceRequest): DicomJson {
  if (!dataSet) throw new LifeboatError('BAD_REQUEST', 'The request has no identifier, or one that is too long.');
  const identifier = readShortDataSet(dataSet, context.transferSyntax);
  if (hasTooManyWildcards(identifier)) throw new LifeboatError('BAD_REQUEST', 'A key has too many wildcards.');
  return identifier;
}

/** The log says how old the list is that a scanner was given. */
function tell(store: WorklistStore, log: Logger, callingAE: string, entries: number): void {
  const { state, answeredAt } = store.risState(null);
  const ageMs = answeredAt ? Date.now() - Date.parse(answeredAt) : undefined;
  const fields = { callingAE, entries, ris: state, answeredAt, ageS: ageMs && Math.round(ageMs / 1000) };
  if (state === 'away' || (ageMs ?? 0) > OLD_MS) log.warn(fields, 'worklist given from an old answer of the RIS');
  else log.info(fields, 'worklist given');
}
