import { LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type PeerAddress } from './association-requestor.ts';
import { CommandField, Status } from './command-set.ts';
import { VERIFICATION } from './sop-classes.ts';
import { ExplicitVRLittleEndian, ImplicitVRLittleEndian } from './transfer-syntaxes.ts';

/**
 * C-ECHO (PS3.7 9.1.5): associates, asks, releases. Resolves with the round trip of the whole in ms.
 * @throws PEER_UNREACHABLE, PEER_REJECTED, PEER_ABORTED, PEER_NO_CONTEXT, PEER_FAILED_STATUS, DIMSE_TIMEOUT,
 *   DIMSE_CONNECTION_LOST, DIMSE_PROTOCOL
 */
export async function echo(peer: PeerAddress): Promise<number> {
  const begin = performance.now();
  const association = await AssociationRequestor.open(peer, [
    { abstractSyntax: VERIFICATION, transferSyntaxes: [ImplicitVRLittleEndian, ExplicitVRLittleEndian] },
  ]);
  const context = association.contextFor(VERIFICATION);
  if (!context) {
    await association.release();
    throw new LifeboatError('PEER_NO_CONTEXT', 'The peer does not serve C-ECHO.');
  }
  const response = await association.invoke(context, {
    commandField: CommandField.CEchoRQ,
    affectedSOPClassUID: VERIFICATION,
  });
  await association.release();
  if (response.status !== Status.Success) {
    const status = response.status!.toString(16).padStart(4, '0').toUpperCase();
    throw new LifeboatError('PEER_FAILED_STATUS', `: C-ECHO status 0x${status}.`);
  }
  return performance.now() - begin;
}
