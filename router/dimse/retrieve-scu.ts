import { LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type PeerAddress } from './association-requestor.ts';
import { CommandField, Status } from './command-set.ts';
import { readShortDataSet, SHORT_DATA_SET_SYNTAXES, writeShortDataSet } from './data-set-json.ts';
import { QueryClass, type QueryRetrieveLevel } from './query-classes.ts';
import { identifierOf, type QueryKeys } from './query-scu.ts';

/** How far a C-MOVE is. Counts are the peer's; undefined where it does not tell. */
export interface MoveProgress {
  remaining?: number;
  completed?: number;
  failed?: number;
  warning?: number;
}

/** Yielded last. */
export interface MoveResult extends MoveProgress {
  status: number;
  /** For people. */
  message: string;
  /** SOP Instance UIDs that the peer says it could not send. */
  failedUIDs: string[];
}

const SOME_FAILED = 0xb000;

/**
 * C-MOVE SCU of the Study Root model (PS3.4 C.4.2): asks the peer to send what `keys` name to the AE title `destination`,
 * which the peer must know. Yields each progress it tells, then the result.
 * @throws PEER_FAILED_STATUS when the peer refuses or nothing could be sent, and what `find` throws for the line. Only what has
 *   arrived is here: the result is the peer's word.
 */
export async function* move(
  peer: PeerAddress,
  destination: string,
  level: Exclude<QueryRetrieveLevel, 'PATIENT'>,
  keys: QueryKeys,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<MoveProgress | MoveResult> {
  const model = QueryClass.StudyRootMove;
  const association = await AssociationRequestor.open(peer, [
    { abstractSyntax: model, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] },
  ]);
  try {
    const context = association.contextFor(model);
    if (!context) throw new LifeboatError('PEER_NO_CONTEXT', 'The peer does not send images on request (C-MOVE).');
    const identifier = writeShortDataSet(identifierOf(level, keys), context.transferSyntax);
    const command = {
      commandField: CommandField.CMoveRQ,
      affectedSOPClassUID: model,
      moveDestination: destination,
      priority: 0,
    };
    for await (const { command: answer, dataSet } of association.operate(context, command, identifier, signal)) {
      const progress: MoveProgress = {
        remaining: answer.remainingSuboperations,
        completed: answer.completedSuboperations,
        failed: answer.failedSuboperations,
        warning: answer.warningSuboperations,
      };
      const status = answer.status!;
      if (status === Status.Pending) {
        yield progress;
        continue;
      }
      const shown = `0x${status.toString(16).padStart(4, '0').toUpperCase()}`;
      const said = answer.errorComment ? `: ${answer.errorComment}` : '';
      if (status !== Status.Success && status !== SOME_FAILED && status !== Status.Cancel) {
        throw new LifeboatError('PEER_FAILED_STATUS', `The peer answered the C-MOVE with ${shown}${said}.`);
      }
      const failedUIDs = dataSet
        ? (readShortDataSet(dataSet, context.transferSyntax)['00080058']?.Value ?? []).map(String)
        : [];
      yield { ...progress, status, message: `C-MOVE status ${shown}${said}`, failedUIDs };
    }
  } finally {
    if (!association.over) await association.release();
  }
}
