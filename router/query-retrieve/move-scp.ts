import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { Status } from '../dimse/command-set.ts';
import type { DimseService, ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import { QueryClass } from '../dimse/query-classes.ts';
import { type ForwardedInstance, type ForwardJob, plainDestination } from '../forward/forward-types.ts';
import type { Sources } from '../forward/outgoing.ts';
import { DimseSender } from '../forward/send-dimse.ts';
import type { Outcome } from '../forward/sender.ts';
import { agreed, RELATIONAL } from './extended-negotiation.ts';
import { fetchMissing } from './fetch-missing.ts';
import { type Identifier, readIdentifier } from './identifier.ts';
import type { Permit, Workstation } from './permit.ts';
import { changesOnTheWay, type Selected, type SelectionContext } from './selection.ts';
import { SpoolFirst } from './spooled.ts';
import { lastResponse, Tally } from './sub-operations.ts';

/** C-MOVE statuses (PS3.4 Table C.4-2). */
const DESTINATION_UNKNOWN = 0xa801;
const IDENTIFIER_MISMATCH = 0xa900;
const UNABLE_TO_PROCESS = 0xc000;
/** After so many instances in a row without an answer the destination is taken for gone. */
const MOST_SILENT = 3;
/** At least this often the requester hears that work goes on, ms. */
const STILL_HERE_MS = 10_000;

export interface MoveContext extends SelectionContext {
  sources: Sources;
  aeTitle: string;
  permit: Permit;
}

/** C-MOVE SCP of the Patient Root and Study Root models (PS3.4 C.4.2): to configured workstations alone. */
export function moveScp(context: MoveContext): DimseService {
  return {
    abstractSyntaxes: [QueryClass.PatientRootMove, QueryClass.StudyRootMove],
    extended: (_, asked) => agreed(asked, [RELATIONAL]),
    serve: (request) => move(context, request),
  };
}

async function* move(context: MoveContext, request: ServiceRequest): AsyncGenerator<ServiceResponse> {
  const { permit } = context;
  const refusal = await permit.check(request, 'C-MOVE');
  if (refusal) {
    yield refusal;
    return;
  }
  const wanted = request.command.moveDestination ?? '';
  const destination = permit.destination(wanted);
  if (!destination) {
    const message = `C-MOVE to ${wanted || 'nobody'} refused: it is not one of LIFEBOAT_WORKSTATIONS.`;
    permit.refuse(request, 'export', new LifeboatError('CALLED_AE_UNKNOWN', message));
    yield { status: DESTINATION_UNKNOWN, errorComment: 'The move destination is unknown here; ask IT.' };
    return;
  }
  let identifier: Identifier;
  let selected: Selected;
  try {
    identifier = readIdentifier(request.dataSet, request.context.transferSyntax);
    selected = yield* fetchMissing(context, identifier, request.signal);
  } catch (cause) {
    const error = asLifeboatError(cause);
    permit.audit(request, 'export', 'dimse', `C-MOVE to ${wanted}: ${error.message}`, 'error');
    const status =
      error.code === 'BAD_REQUEST' || error.code === 'DATASET_UNREADABLE' ? IDENTIFIER_MISMATCH : UNABLE_TO_PROCESS;
    yield { status, errorComment: error.message };
    return;
  }
  const { instances, waiting } = selected;
  const sources = { ...context.sources, store: new SpoolFirst(context.sources.store, context.archive, waiting) };
  const objects = [...new Set(instances.map(({ studyInstanceUID }) => studyInstanceUID))];
  const what = `C-MOVE to ${wanted}`;
  for (const study of objects) permit.audit(request, 'export', study, `${what}: begun`, 'ok');
  const tally = new Tally(instances.length);
  yield* sendAll({ ...context, sources }, request, destination, instances, tally);
  const outcome = tally.failed.length > 0 ? 'error' : 'ok';
  const counts = `${tally.completed} sent, ${tally.warning} with a warning, ${tally.failed.length} failed, ${tally.remaining} not tried`;
  permit.audit(request, 'export', objects[0] ?? identifier.level, `${what}: ${counts}`, outcome);
  yield lastResponse(tally, request);
}

/** Yields a pending response after each instance, or to say that work goes on. */
async function* sendAll(
  context: MoveContext,
  request: ServiceRequest,
  destination: Workstation,
  instances: readonly ForwardedInstance[],
  tally: Tally,
): AsyncGenerator<ServiceResponse> {
  const { signal } = request;
  const jobs: ForwardJob[] = instances.map((instance, id) => ({
    id,
    instance,
    attempts: 0,
    changes: changesOnTheWay(context, instance),
  }));
  let news = Promise.withResolvers<void>();
  let finished = false;
  const done = sendJobs(context, request, destination, jobs, signal, (job, outcome) => {
    tally.count(job.instance, outcome);
    news.resolve();
  }).finally(() => {
    finished = true;
    news.resolve();
  });
  done.catch(() => {});
  while (!finished) {
    const timer = setTimeout(() => news.resolve(), STILL_HERE_MS);
    await news.promise;
    clearTimeout(timer);
    news = Promise.withResolvers<void>();
    if (!finished && !signal.aborted) yield { status: Status.Pending, fields: tally.fields(true) };
  }
  await done;
}

async function sendJobs(
  { sources, aeTitle }: MoveContext,
  { callingAE, command }: ServiceRequest,
  destination: Workstation,
  jobs: ForwardJob[],
  signal: AbortSignal,
  settled: (job: ForwardJob, outcome: Outcome) => void,
): Promise<void> {
  const originator = { aeTitle: callingAE, messageID: command.messageID ?? 0 };
  const sender = new DimseSender(plainDestination(destination), sources, aeTitle, originator);
  let left = jobs;
  let silent = 0;
  try {
    while (left.length > 0 && !signal.aborted) {
      const told = new Set<number>();
      await sender.send(
        left,
        (job, outcome) => {
          told.add(job.id);
          if (signal.aborted && outcome.outcome === 'failed') return false;
          silent = outcome.outcome === 'failed' && outcome.status === undefined ? silent + 1 : 0;
          settled(job, outcome);
          return !signal.aborted && silent < MOST_SILENT;
        },
        signal,
      );
      left = left.filter(({ id }) => !told.has(id));
      if (told.size > 0 && silent < MOST_SILENT) continue;
      if (!signal.aborted) for (const job of left) settled(job, { outcome: 'failed', message: 'not tried' });
      return;
    }
  } finally {
    await sender.rest();
  }
}
