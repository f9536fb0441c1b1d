import { LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type PeerAddress } from '../dimse/association-requestor.ts';
import { CommandField, type CommandSet, Status } from '../dimse/command-set.ts';
import type { PresentationContext } from '../dimse/dimse-message.ts';
import type { ServedAssociation } from '../dimse/dimse-service.ts';
import { ExplicitVRLittleEndian, ImplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';
import { CommitmentEvent, PUSH_MODEL, PUSH_MODEL_INSTANCE } from './commitment-classes.ts';
import { type CommitmentInformation, writeCommitment } from './references.ts';

type Invoke = ServedAssociation['invoke'];

/**
 * N-EVENT-REPORT of the Storage Commitment Push Model (PS3.4 J.3.3).
 * @throws PEER_FAILED_STATUS, and what `invoke` throws
 */
export async function reportOn(
  invoke: Invoke,
  context: PresentationContext,
  information: CommitmentInformation,
  aeTitle: string,
): Promise<void> {
  const bytes = writeCommitment(information, context.transferSyntax, aeTitle);
  const request = {
    commandField: CommandField.NEventReportRQ,
    affectedSOPClassUID: PUSH_MODEL,
    affectedSOPInstanceUID: PUSH_MODEL_INSTANCE,
    eventTypeID: information.failed.length > 0 ? CommitmentEvent.FailuresExist : CommitmentEvent.Successful,
  };
  const answer: CommandSet = await invoke(context, request, once(bytes));
  if (answer.status === Status.Success) return;
  const shown = `0x${answer.status!.toString(16).padStart(4, '0').toUpperCase()}`;
  throw new LifeboatError('PEER_FAILED_STATUS', `: N-EVENT-REPORT status ${shown} ${answer.errorComment ?? ''}`.trim());
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The same on an association of its own, on which we are SCP (role selection, PS3.7 D.3.3.4). @throws as AssociationRequestor too */
export async function reportTo(peer: PeerAddress, information: CommitmentInformation): Promise<void> {
  const association = await AssociationRequestor.open(
    peer,
    [{ abstractSyntax: PUSH_MODEL, transferSyntaxes: [ExplicitVRLittleEndian, ImplicitVRLittleEndian] }],
    { roles: [{ sopClass: PUSH_MODEL, scu: false, scp: true }] },
  );
  try {
    const context = association.contextFor(PUSH_MODEL);
    if (!context) throw new LifeboatError('PEER_NO_CONTEXT', 'The peer takes no reports of storage commitment.');
    const invoke: Invoke = (at, request, dataSet) => association.invoke(at, request, dataSet);
    await reportOn(invoke, context, information, peer.callingAE);
  } finally {
    if (!association.over) await association.release();
  }
}
