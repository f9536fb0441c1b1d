import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { TransferSyntax } from '../../storage/format/transfer-syntaxes.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import { AssociationRequestor, MAX_CONTEXTS, type PeerAddress } from './association-requestor.ts';
import { CommandField, Status } from './command-set.ts';
import { readShortDataSet, SHORT_DATA_SET_SYNTAXES, writeShortDataSet } from './data-set-json.ts';
import { ProtocolViolation } from './pdu.ts';
import { QueryClass, type QueryRetrieveLevel } from './query-classes.ts';
import { identifierOf, type QueryKeys } from './query-scu.ts';
import { refuseCommand, StoreSink, storeResponse } from './storage-scp.ts';

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

/** A level below the patient, at which retrievals are asked for here. */
type RetrieveLevel = Exclude<QueryRetrieveLevel, 'PATIENT'>;

/**
 * C-MOVE SCU of the Study Root model (PS3.4 C.4.2): asks the peer to send what `keys` name to the AE title `destination`,
 * which the peer must know. Yields each progress it tells, then the result.
 * @throws PEER_FAILED_STATUS when the peer refuses or nothing could be sent, and what `find` throws for the line. Only what has
 *   arrived is here: the result is the peer's word.
 */
export async function* move(
  peer: PeerAddress,
  destination: string,
  level: RetrieveLevel,
  keys: QueryKeys,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<MoveProgress | MoveResult> {
  const model = QueryClass.StudyRootMove;
  const association = await AssociationRequestor.open(peer, [
    { abstractSyntax: model, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] },
  ]);
  const command = { commandField: CommandField.CMoveRQ, moveDestination: destination };
  yield* retrieve(association, 'C-MOVE', command, model, identifierOf(level, keys), signal);
}

export interface GetOptions {
  /** Storage classes of what will come, at most 100; others the peer cannot send. */
  sopClasses: readonly string[];
  /** Where what comes is kept. */
  receiver: Receiver;
  signal?: AbortSignal;
}

/** As a peer has its images most often, each offered in a context of its own so that it need not convert. */
const OFFERED_SYNTAXES: readonly string[] = [
  TransferSyntax.ExplicitVRLittleEndian,
  TransferSyntax.ImplicitVRLittleEndian,
  '1.2.840.10008.1.2.4.70', // JPEG Lossless SV1
  '1.2.840.10008.1.2.4.90', // JPEG 2000 Lossless Only
  '1.2.840.10008.1.2.4.80', // JPEG-LS Lossless
  '1.2.840.10008.1.2.5', // RLE Lossless
  '1.2.840.10008.1.2.4.50', // JPEG Baseline
  '1.2.840.10008.1.2.4.51', // JPEG Extended
  '1.2.840.10008.1.2.4.91', // JPEG 2000
  '1.2.840.10008.1.2.4.81', // JPEG-LS near-lossless
  '1.2.840.10008.1.2.4.57', // JPEG Lossless, Process 14
  '1.2.840.10008.1.2.4.201', // HTJ2K Lossless Only
  '1.2.840.10008.1.2.4.102', // MPEG-4 AVC/H.264 High Profile
  TransferSyntax.DeflatedExplicitVRLittleEndian,
  TransferSyntax.ExplicitVRBigEndian,
];

/**
 * C-GET SCU of the Study Root model (PS3.4 C.4.3): what `keys` name comes on this very association and is acknowledged to the
 * peer when it is on stable storage. Yields each progress the peer tells, then the result.
 * @throws as `move`, and PEER_NO_CONTEXT when the peer serves no C-GET
 */
export async function* get(
  peer: PeerAddress,
  level: RetrieveLevel,
  keys: QueryKeys,
  { sopClasses, receiver, signal }: GetOptions,
): AsyncGenerator<MoveProgress | MoveResult> {
  const model = QueryClass.StudyRootGet;
  const classes = [...new Set(sopClasses)];
  const each = Math.max(1, Math.floor((MAX_CONTEXTS - 1) / Math.max(1, classes.length)));
  const proposals = classes.flatMap((abstractSyntax) =>
    OFFERED_SYNTAXES.slice(0, each).map((syntax) => ({ abstractSyntax, transferSyntaxes: [syntax] })),
  );
  const source = { via: 'c-store' as const, callingAE: peer.calledAE, address: peer.host };
  const association = await AssociationRequestor.open(
    peer,
    [{ abstractSyntax: model, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] }, ...proposals].slice(0, MAX_CONTEXTS),
    {
      roles: classes.map((sopClass) => ({ sopClass, scu: false, scp: true })),
      serve: (context, command, hasDataSet, answer) => {
        if (command.commandField !== CommandField.CStoreRQ)
          throw new ProtocolViolation('The peer asks for something else than to store.');
        const refusal = refuseCommand(command, hasDataSet);
        if (refusal && !hasDataSet) return answer(storeResponse(command, refusal));
        return new StoreSink(receiver, source, context, command, (response) => answer(response));
      },
    },
  );
  yield* retrieve(
    association,
    'C-GET',
    { commandField: CommandField.CGetRQ },
    model,
    identifierOf(level, keys),
    signal,
  );
}

async function* retrieve(
  association: AssociationRequestor,
  operation: 'C-MOVE' | 'C-GET',
  command: { commandField: number; moveDestination?: string },
  model: string,
  keys: DicomJson,
  signal: AbortSignal | undefined,
): AsyncGenerator<MoveProgress | MoveResult> {
  try {
    const context = association.contextFor(model);
    if (!context)
      throw new LifeboatError('PEER_NO_CONTEXT', `The peer does not send images on request (${operation}).`);
    const identifier = writeShortDataSet(keys, context.transferSyntax);
    const request = { ...command, affectedSOPClassUID: model, priority: 0 };
    for await (const { command: answer, dataSet } of association.operate(context, request, identifier, signal)) {
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
        throw new LifeboatError('PEER_FAILED_STATUS', `The peer answered the ${operation} with ${shown}${said}.`);
      }
      const failedUIDs = dataSet
        ? (readShortDataSet(dataSet, context.transferSyntax)['00080058']?.Value ?? []).map(String)
        : [];
      yield { ...progress, status, message: `${operation} status ${shown}${said}`, failedUIDs };
    }
  } finally {
    if (!association.over) await association.release();
  }
}
