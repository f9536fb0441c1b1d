import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { CommandField, Status } from '../dimse/command-set.ts';
import type { DimseService, ServedAssociation, ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import { QueryClass } from '../dimse/query-classes.ts';
import { isStorageClass } from '../dimse/sop-classes.ts';
import { DeflatedExplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';
import type { ForwardJob } from '../forward/forward-types.ts';
import { canConvert, dataSetSize, FALLBACK_SYNTAXES, ownSyntax, ReadAhead, type Sources } from '../forward/outgoing.ts';
import { judged, resumed } from '../forward/send-dimse.ts';
import type { Outcome } from '../forward/sender.ts';
import { agreed, RELATIONAL } from './extended-negotiation.ts';
import { fetchMissing } from './fetch-missing.ts';
import { type Identifier, readIdentifier } from './identifier.ts';
import type { Permit } from './permit.ts';
import { changesOnTheWay, type Selected, type SelectionContext } from './selection.ts';
import { SpoolFirst } from './spooled.ts';
import { lastResponse, Tally } from './sub-operations.ts';

/** C-GET statuses (PS3.4 Table C.4-3). */
const IDENTIFIER_MISMATCH = 0xa900;
const UNABLE_TO_PROCESS = 0xc000;

export interface GetContext extends SelectionContext {
  sources: Sources;
  permit: Permit;
}

/**
 * C-GET SCP of the Patient Root and Study Root models (PS3.4 C.4.3): images go back on the association on which they were asked
 * for, in the presentation contexts for which the requester is SCP.
 */
export function getScp(context: GetContext): DimseService {
  return {
    abstractSyntaxes: [QueryClass.PatientRootGet, QueryClass.StudyRootGet],
    peerMayServe: isStorageClass,
    extended: (_, asked) => agreed(asked, [RELATIONAL]),
    serve: (request) => get(context, request),
  };
}

async function* get(context: GetContext, request: ServiceRequest): AsyncGenerator<ServiceResponse> {
  const { permit } = context;
  const { signal, association } = request;
  const refusal = await permit.check(request, 'C-GET');
  if (refusal) {
    yield refusal;
    return;
  }
  let identifier: Identifier;
  let selected: Selected;
  try {
    identifier = readIdentifier(request.dataSet, request.context.transferSyntax);
    selected = yield* fetchMissing(context, identifier, request.signal);
  } catch (cause) {
    const error = asLifeboatError(cause);
    permit.audit(request, 'export', 'dimse', `C-GET: ${error.message}`, 'error');
    const wrong = error.code === 'BAD_REQUEST' || error.code === 'DATASET_UNREADABLE';
    yield { status: wrong ? IDENTIFIER_MISMATCH : UNABLE_TO_PROCESS, errorComment: error.message };
    return;
  }
  const { instances, waiting } = selected;
  const sources = { ...context.sources, store: new SpoolFirst(context.sources.store, context.archive, waiting) };
  const objects = [...new Set(instances.map(({ studyInstanceUID }) => studyInstanceUID))];
  for (const study of objects) permit.audit(request, 'export', study, 'C-GET: begun', 'ok');
  const tally = new Tally(instances.length);
  const jobs = instances.map(
    (instance, id): ForwardJob => ({ id, instance, attempts: 0, changes: changesOnTheWay(context, instance) }),
  );
  const reading = new ReadAhead(sources, jobs);
  for (const [index, job] of jobs.entries()) {
    if (signal.aborted || association.over) break;
    tally.count(job.instance, await sendOne(association, reading, job, index));
    if (!signal.aborted && index < jobs.length - 1) yield { status: Status.Pending, fields: tally.fields(true) };
  }
  const outcome = tally.failed.length > 0 ? 'error' : 'ok';
  const counts = `${tally.completed} sent, ${tally.warning} with a warning, ${tally.failed.length} failed, ${tally.remaining} not tried`;
  permit.audit(request, 'export', objects[0] ?? identifier.level, `C-GET: ${counts}`, outcome);
  yield lastResponse(tally, request);
}

/** One C-STORE sub-operation, as it is kept where the requester takes it so, else uncompressed. */
async function sendOne(
  association: ServedAssociation,
  reading: ReadAhead,
  job: ForwardJob,
  index: number,
): Promise<Outcome> {
  const { instance } = job;
  const { sopClassUID, sopInstanceUID, transferSyntaxUID } = instance;
  const own = ownSyntax(job);
  const syntaxes = canConvert(instance) ? [own, ...FALLBACK_SYNTAXES] : [own];
  const at = syntaxes
    .map((syntax) => association.contextFor(sopClassUID, syntax))
    .find((accepted) => accepted !== undefined);
  if (!at) return failed(new LifeboatError('PEER_NO_CONTEXT'));
  const asItIs = at.transferSyntax === transferSyntaxUID && job.changes.length === 0;
  if (asItIs && dataSetSize(instance) % 2 === 1 && transferSyntaxUID !== DeflatedExplicitVRLittleEndian)
    return failed(new LifeboatError('DATASET_UNREADABLE', 'The data set has an odd length.'));
  const dataSet = reading.dataSet(index, at.transferSyntax);
  try {
    // What cannot be read is known before the request goes out: the association survives it.
    const first = await dataSet.next();
    const command = {
      commandField: CommandField.CStoreRQ,
      priority: 0,
      affectedSOPClassUID: sopClassUID,
      affectedSOPInstanceUID: sopInstanceUID,
    };
    return judged(await association.invoke(at, command, resumed(first, dataSet)), '');
  } catch (error) {
    return failed(asLifeboatError(error));
  }
}

function failed(error: LifeboatError): Outcome {
  return { outcome: 'failed', message: error.message, error };
}
