import type { Logger } from 'pino';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { AuditEvent } from '../access/access-types.ts';
import { CommandField, Status } from '../dimse/command-set.ts';
import { readShortDataSet } from '../dimse/data-set-json.ts';
import type { DimseService, ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import { firstText } from '../worklist/worklist-fields.ts';
import { newUID } from '../worklist/worklist-store.ts';
import type { PerformedSteps, StepOutcome } from './performed-steps.ts';

/** Modality Performed Procedure Step SOP Class (PS3.4 F.7). */
export const MODALITY_PERFORMED_PROCEDURE_STEP = '1.2.840.10008.3.1.2.3.3';

const STATUS = '00400252';
const STATUSES = ['IN PROGRESS', 'COMPLETED', 'DISCONTINUED'];
/** A step that refers to tens of thousands of images. */
const MOST_DATA_SET_BYTES = 16 * 1024 * 1024;
/** N-CREATE and N-SET failures (PS3.7 Annex C). */
const INVALID_ATTRIBUTE_VALUE = 0x0106;
const PROCESSING_FAILURE = 0x0110;
const DUPLICATE_INSTANCE = 0x0111;
const NO_SUCH_INSTANCE = 0x0112;
const MISSING_ATTRIBUTE = 0x0120;

const REFUSALS: Record<Exclude<StepOutcome, 'kept'>, { status: number; errorComment: string }> = {
  duplicate: { status: DUPLICATE_INSTANCE, errorComment: 'This performed procedure step is known already.' },
  unknown: { status: NO_SUCH_INSTANCE, errorComment: 'This performed procedure step is not known here.' },
  final: { status: PROCESSING_FAILURE, errorComment: 'The step is over and may no longer be updated.' },
};

export interface MppsScpContext {
  steps: PerformedSteps;
  log: Logger;
  audit(event: AuditEvent): void;
  /** A step was reported on. */
  kept(sopInstanceUID: string): void;
}

/** MPPS SCP (PS3.4 F.7): what scanners report is on stable storage before they are answered. */
export function mppsScp(context: MppsScpContext): DimseService {
  return {
    abstractSyntaxes: [MODALITY_PERFORMED_PROCEDURE_STEP],
    mostDataSetBytes: MOST_DATA_SET_BYTES,
    serve: (request) => report(context, request),
  };
}

async function* report(context: MppsScpContext, request: ServiceRequest): AsyncGenerator<ServiceResponse> {
  const { command, callingAE, address } = request;
  const isCreate = command.commandField === CommandField.NCreateRQ;
  if (!isCreate && command.commandField !== CommandField.NSetRQ) {
    yield { status: Status.UnrecognizedOperation, errorComment: 'Steps are only created and set here.' };
    return;
  }
  const uid =
    (isCreate ? command.affectedSOPInstanceUID : command.requestedSOPInstanceUID) || (isCreate ? newUID() : '');
  const fields = { affectedSOPInstanceUID: uid };
  const audit = (detail: string, outcome: AuditEvent['outcome']) =>
    context.audit({ user: callingAE, address, action: 'procedure-step', object: uid, detail, outcome });
  let dataSet: DicomJson;
  try {
    if (!request.dataSet)
      throw new LifeboatError('BAD_REQUEST', 'The report has no data set, or one that is too long.');
    dataSet = readShortDataSet(request.dataSet, request.context.transferSyntax);
  } catch (cause) {
    const { message } = asLifeboatError(cause);
    audit(message, 'error');
    yield { status: PROCESSING_FAILURE, errorComment: message, fields };
    return;
  }
  const wrong = faultOf(dataSet, isCreate);
  if (wrong) {
    audit(wrong.errorComment, 'refused');
    yield { ...wrong, fields };
    return;
  }
  const { steps, log } = context;
  const outcome = isCreate ? steps.create(uid, dataSet, { callingAE, address }) : steps.set(uid, dataSet);
  const status = firstText(dataSet[STATUS]);
  if (outcome !== 'kept') {
    log.warn({ callingAE, uid, outcome }, 'a performed procedure step was refused');
    audit(REFUSALS[outcome].errorComment, 'refused');
    yield { ...REFUSALS[outcome], fields };
    return;
  }
  audit(`${isCreate ? 'N-CREATE' : 'N-SET'} ${status}`.trimEnd(), 'ok');
  log.info({ callingAE, uid, status }, 'performed procedure step');
  context.kept(uid);
  yield { status: Status.Success, fields };
}

function faultOf(dataSet: DicomJson, isCreate: boolean): { status: number; errorComment: string } | undefined {
  const status = firstText(dataSet[STATUS]);
  if (status === '' && !(isCreate || dataSet[STATUS])) return undefined;
  if (status === '')
    return { status: MISSING_ATTRIBUTE, errorComment: 'Performed Procedure Step Status (0040,0252) is missing.' };
  if (!STATUSES.includes(status) || (isCreate && status !== 'IN PROGRESS'))
    return { status: INVALID_ATTRIBUTE_VALUE, errorComment: `The status ${status} is not possible here.` };
  return undefined;
}
