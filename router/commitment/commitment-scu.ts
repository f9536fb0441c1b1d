import { LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type PeerAddress, type RequestorOptions } from '../dimse/association-requestor.ts';
import { CommandField, errorComment, NO_DATA_SET, Status } from '../dimse/command-set.ts';
import { ExplicitVRLittleEndian, ImplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';
import { PUSH_MODEL, PUSH_MODEL_INSTANCE, REQUEST_COMMITMENT } from './commitment-classes.ts';
import { type CommitmentInformation, readCommitment, type SopReference, writeCommitment } from './references.ts';

/** Status of N-EVENT-REPORT: Processing failure (PS3.7 10.1.1.1.8). */
const PROCESSING_FAILURE = 0x0110;

/** Takes a report; false: nobody asked for it. */
export type TakeReport = (information: CommitmentInformation) => boolean;

/** The status of the answer to a report, for every way that it comes. */
export function statusOfReport(
  bytes: Buffer | undefined,
  transferSyntaxUID: string,
  take: TakeReport,
): { status: number; errorComment?: string } {
  try {
    if (!bytes) throw new LifeboatError('BAD_REQUEST', 'The report names no instances.');
    if (take(readCommitment(bytes, transferSyntaxUID))) return { status: Status.Success };
    return { status: PROCESSING_FAILURE, errorComment: 'Nobody asked for this transaction.' };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { status: PROCESSING_FAILURE, errorComment: error.message };
  }
}

const MOST_REPORT_BYTES = 10 * 1024 * 1024;

/**
 * N-ACTION of the Storage Commitment Push Model (PS3.4 J.3.2). Returns when the peer accepted the request and, where it reports
 * on the same association within `waitMs`, when it did; any other report comes by an association of the peer's.
 * @throws PEER_NO_CONTEXT when it serves no storage commitment, PEER_FAILED_STATUS, and what AssociationRequestor.open throws
 */
export async function requestCommitment(
  peer: PeerAddress,
  transactionUID: string,
  references: readonly SopReference[],
  take: TakeReport,
  waitMs: number,
): Promise<void> {
  const told = Promise.withResolvers<void>();
  const serve: RequestorOptions['serve'] = (context, command, hasDataSet, answer) => {
    const respond = (bytes?: Buffer) => {
      const known = command.commandField === CommandField.NEventReportRQ;
      const { status, errorComment: comment } = known
        ? statusOfReport(bytes, context.transferSyntax, take)
        : { status: Status.UnrecognizedOperation, errorComment: 'This operation is not served here.' };
      const answered = answer({
        affectedSOPClassUID: command.affectedSOPClassUID,
        affectedSOPInstanceUID: command.affectedSOPInstanceUID,
        commandField: command.commandField | 0x8000,
        messageIDBeingRespondedTo: command.messageID ?? 0,
        commandDataSetType: NO_DATA_SET,
        status,
        ...(comment && { errorComment: errorComment(comment) }),
      });
      told.resolve();
      return answered;
    };
    if (!hasDataSet) return respond();
    const pieces: Buffer[] = [];
    let length = 0;
    return {
      write: (piece) => {
        length += piece.length;
        if (length <= MOST_REPORT_BYTES) pieces.push(Buffer.from(piece));
      },
      end: () => respond(length <= MOST_REPORT_BYTES ? Buffer.concat(pieces) : undefined),
      abort: () => undefined,
    };
  };
  const association = await AssociationRequestor.open(
    peer,
    [{ abstractSyntax: PUSH_MODEL, transferSyntaxes: [ExplicitVRLittleEndian, ImplicitVRLittleEndian] }],
    { serve },
  );
  try {
    const context = association.contextFor(PUSH_MODEL);
    if (!context) throw new LifeboatError('PEER_NO_CONTEXT', 'The peer serves no storage commitment.');
    const bytes = writeCommitment({ transactionUID, references: [...references], failed: [] }, context.transferSyntax);
    const request = {
      commandField: CommandField.NActionRQ,
      requestedSOPClassUID: PUSH_MODEL,
      requestedSOPInstanceUID: PUSH_MODEL_INSTANCE,
      actionTypeID: REQUEST_COMMITMENT,
    };
    const { status, errorComment: comment } = await association.invoke(context, request, once(bytes));
    if (status !== Status.Success) {
      const shown = `0x${status!.toString(16).padStart(4, '0').toUpperCase()}`;
      throw new LifeboatError('PEER_FAILED_STATUS', `: N-ACTION status ${shown} ${comment ?? ''}`.trimEnd());
    }
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([told.promise, enough]);
    clearTimeout(timer);
  } finally {
    if (!association.over) await association.release();
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
