import { asLifeboatError } from '../../contract/errors.ts';
import type { AccessControl } from '../access/access-types.ts';
import { CommandField, Status } from '../dimse/command-set.ts';
import type { DimseService, ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import { PUSH_MODEL, PUSH_MODEL_INSTANCE, REQUEST_COMMITMENT } from './commitment-classes.ts';
import { type CommitmentInformation, readCommitment } from './references.ts';

/** Statuses of N-ACTION (PS3.7 10.1.4.1.10). */
const NO_SUCH_INSTANCE = 0x0112;
const INVALID_ARGUMENT = 0x0115;
const NO_SUCH_ACTION = 0x0123;
const RESOURCE_LIMITATION = 0x0213;

/** 50,000 references with the longest UIDs. */
const MOST_BYTES = 10 * 1024 * 1024;

export interface CommitmentScpContext {
  access: Pick<AccessControl, 'refused' | 'audit'>;
  /** Keeps the request for good; false: its Transaction UID was used before for something else. */
  accept(request: ServiceRequest, information: CommitmentInformation): boolean;
  /** The response is on its way. */
  accepted(request: ServiceRequest): void;
  /** N-EVENT-REPORT: the answer to a request of ours. */
  report?(request: ServiceRequest): AsyncIterable<ServiceResponse>;
}

/** SCP of the Storage Commitment Push Model (PS3.4 J.3): takes requests; what is found is reported later. */
export function commitmentScp(context: CommitmentScpContext): DimseService {
  return {
    abstractSyntaxes: [PUSH_MODEL],
    mostDataSetBytes: MOST_BYTES,
    peerMayServe: (sopClass) => sopClass === PUSH_MODEL,
    serve: (request) =>
      request.command.commandField === CommandField.NEventReportRQ && context.report
        ? context.report(request)
        : action(context, request),
  };
}

async function* action(context: CommitmentScpContext, request: ServiceRequest): AsyncGenerator<ServiceResponse> {
  const { command, callingAE, address } = request;
  const fields = {
    affectedSOPClassUID: PUSH_MODEL,
    affectedSOPInstanceUID: PUSH_MODEL_INSTANCE,
    ...(command.actionTypeID !== undefined && { actionTypeID: command.actionTypeID }),
  };
  const refuse = (status: number, errorComment: string): ServiceResponse => {
    const message = `Storage commitment refused: ${errorComment}`;
    context.access.refused({ channel: 'DIMSE', peer: `${callingAE}@${address}`, code: 'BAD_REQUEST', message });
    return { status, errorComment, fields };
  };
  if (command.commandField !== CommandField.NActionRQ) {
    yield refuse(Status.UnrecognizedOperation, 'This operation is not served here.');
    return;
  }
  if (command.requestedSOPInstanceUID !== PUSH_MODEL_INSTANCE) {
    yield refuse(NO_SUCH_INSTANCE, 'The SOP instance is not the well-known one.');
    return;
  }
  if (command.actionTypeID !== REQUEST_COMMITMENT) {
    yield refuse(NO_SUCH_ACTION, 'There is no such action.');
    return;
  }
  let information: CommitmentInformation;
  try {
    if (!request.dataSet) {
      yield refuse(RESOURCE_LIMITATION, 'The request names no instances, or far too many.');
      return;
    }
    information = readCommitment(request.dataSet, request.context.transferSyntax);
    if (information.references.length === 0) {
      yield refuse(INVALID_ARGUMENT, 'The request names no instances.');
      return;
    }
  } catch (cause) {
    yield refuse(INVALID_ARGUMENT, asLifeboatError(cause).message);
    return;
  }
  if (!context.accept(request, information)) {
    yield refuse(INVALID_ARGUMENT, 'The Transaction UID was used before.');
    return;
  }
  yield { status: Status.Success, fields };
  context.accepted(request);
}
