import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { AssociationRequestor, type PeerAddress } from './association-requestor.ts';
import { CommandField, Status } from './command-set.ts';
import { readShortDataSet, SHORT_DATA_SET_SYNTAXES, writeShortDataSet } from './data-set-json.ts';
import { QueryClass, type QueryRetrieveLevel } from './query-classes.ts';

export type QueryKeys = Readonly<Record<string, string | readonly string[]>>;

export interface FindOptions {
  /** Stops at the peer too (C-CANCEL); what came until then was yielded. */
  signal?: AbortSignal;
}

/** Tags of the keys that are always asked for, by level. */
const ALWAYS: Record<QueryRetrieveLevel, readonly string[]> = {
  PATIENT: ['00100010', '00100020'],
  STUDY: ['00080020', '00080030', '00080050', '00080061', '00100010', '00100020', '0020000D', '00201206', '00201208'],
  SERIES: ['00080060', '0020000D', '0020000E', '00200011', '00201209'],
  IMAGE: ['00080016', '00080018', '0020000D', '0020000E', '00200013'],
};
const VRS: Record<string, string> = {
  '00080016': 'UI',
  '00080018': 'UI',
  '00080020': 'DA',
  '00080030': 'TM',
  '00080050': 'SH',
  '00080052': 'CS',
  '00080060': 'CS',
  '00080061': 'CS',
  '00081030': 'LO',
  '0008103E': 'LO',
  '00100010': 'PN',
  '00100020': 'LO',
  '00100021': 'LO',
  '00100030': 'DA',
  '00100040': 'CS',
  '0020000D': 'UI',
  '0020000E': 'UI',
  '00200010': 'SH',
  '00200011': 'IS',
  '00200013': 'IS',
  '00201206': 'IS',
  '00201208': 'IS',
  '00201209': 'IS',
};

/** An identifier (PS3.4 C.4.1.1.3). @throws BAD_REQUEST for a key that no query here uses */
export function identifierOf(level: QueryRetrieveLevel, keys: QueryKeys, always: readonly string[] = []): DicomJson {
  const identifier: DicomJson = { '00080052': { vr: 'CS', Value: [level] } };
  for (const tag of always) identifier[tag] = { vr: VRS[tag]! };
  for (const [tag, value] of Object.entries(keys)) {
    const vr = VRS[tag];
    if (!vr) throw new LifeboatError('BAD_REQUEST', `The key ${tag} is not one that is asked for here.`);
    const values = typeof value === 'string' ? [value] : value;
    identifier[tag] = { vr, ...(values.some((each) => each !== '') && { Value: [...values] }) };
  }
  return identifier;
}

/**
 * C-FIND SCU of the Study Root model (PS3.4 C.4.1): what the peer answers, one by one, held back at the pace of the reader.
 * @param keys by 8-digit tag, values as the standard's matching has them (wild cards, ranges, lists of UIDs)
 * @throws PEER_UNREACHABLE, PEER_REJECTED, PEER_ABORTED, PEER_NO_CONTEXT, DIMSE_TIMEOUT, DIMSE_CONNECTION_LOST,
 *   DIMSE_PROTOCOL, and PEER_FAILED_STATUS when the answer is not complete: nothing is to be concluded from it then
 */
export async function* find(
  peer: PeerAddress,
  level: QueryRetrieveLevel,
  keys: QueryKeys,
  options: FindOptions = {},
): AsyncGenerator<DicomJson> {
  const model = level === 'PATIENT' ? QueryClass.PatientRootFind : QueryClass.StudyRootFind;
  yield* query(peer, model, identifierOf(level, keys, ALWAYS[level]), options);
}

/** The same with any identifier, in any model. @throws as `find` */
export async function* query(
  peer: PeerAddress,
  model: string,
  keys: DicomJson,
  { signal }: FindOptions = {},
): AsyncGenerator<DicomJson> {
  const association = await AssociationRequestor.open(peer, [
    { abstractSyntax: model, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] },
  ]);
  try {
    const context = association.contextFor(model);
    if (!context) throw new LifeboatError('PEER_NO_CONTEXT', 'The peer does not answer queries (C-FIND).');
    const identifier = writeShortDataSet(keys, context.transferSyntax);
    const command = { commandField: CommandField.CFindRQ, affectedSOPClassUID: model, priority: 0 };
    for await (const response of association.operate(context, command, identifier, signal)) {
      const { status, errorComment } = response.command;
      if (status === Status.Pending || status === Status.PendingKeysUnsupported) {
        if (response.dataSet) yield readShortDataSet(response.dataSet, context.transferSyntax);
      } else if (status !== Status.Success && !(status === Status.Cancel && signal?.aborted)) {
        const shown = `0x${status!.toString(16).padStart(4, '0').toUpperCase()}`;
        throw new LifeboatError('PEER_FAILED_STATUS', `: C-FIND status ${shown} ${errorComment ?? ''}`.trimEnd());
      }
    }
  } finally {
    if (!association.over) await association.release();
  }
}

/** Studies of a peer: `find` at STUDY level. */
export function findStudies(peer: PeerAddress, keys: QueryKeys, options?: FindOptions): AsyncGenerator<DicomJson> {
  return find(peer, 'STUDY', keys, options);
}

/** Instances of one study, series by series, for peers that want every key above the level (hierarchical queries). */
export async function* findInstances(
  peer: PeerAddress,
  studyInstanceUID: string,
  options?: FindOptions,
): AsyncGenerator<DicomJson> {
  const series = new Set<string>();
  for await (const row of find(peer, 'SERIES', { '0020000D': studyInstanceUID }, options)) {
    const uid = row['0020000E']?.Value?.[0];
    if (typeof uid === 'string') series.add(uid);
  }
  for (const uid of series) {
    yield* find(peer, 'IMAGE', { '0020000D': studyInstanceUID, '0020000E': uid }, options);
  }
}
