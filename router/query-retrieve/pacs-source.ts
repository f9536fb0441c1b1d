import type { Logger } from 'pino';
import { asLifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import type { PeerAddress } from '../dimse/association-requestor.ts';
import { findInstances, findStudies, query } from '../dimse/query-scu.ts';
import { get, type MoveProgress, move } from '../dimse/retrieve-scu.ts';
import { type Identifier, textOf, uidsOf } from './identifier.ts';

export interface PacsSourceOptions {
  peer: PeerAddress;
  /** By the watch of the PACS. */
  isUp(): boolean;
  receiver: Receiver;
  log: Logger;
}

/** An instance that the PACS has. */
export interface RemoteInstance {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
  sopClassUID: string;
}

/** Another archive as a source of what is not here: asked only while it is up, and never waited for when it is not. */
export interface Elsewhere {
  readonly isUp: boolean;
  /** What it answers to the same identifier; what it has said until it failed. */
  find(model: string, identifier: Identifier, signal: AbortSignal): AsyncIterable<DicomJson>;
  /** What it has of what an identifier names by its unique keys. @throws what the line throws */
  instances(identifier: Identifier, signal: AbortSignal): Promise<RemoteInstance[]>;
  /** Brings these here. @throws what the line throws; what came until then is here */
  fetch(instances: readonly RemoteInstance[], signal: AbortSignal): AsyncIterable<MoveProgress>;
  /** For the log. */
  failed(error: unknown): void;
}

/** SOP Instance UIDs in one request: an identifier must stay short. */
const ASKED_AT_ONCE = 200;
const MOST_CLASSES = 60;

/** The main PACS by C-FIND, C-GET and C-MOVE. */
export class PacsSource implements Elsewhere {
  readonly #options: PacsSourceOptions;

  constructor(options: PacsSourceOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#options.isUp();
  }

  /** What it answers to the same identifier; what it has said until it failed. */
  async *find(model: string, { json }: Identifier, signal: AbortSignal): AsyncGenerator<DicomJson> {
    const { peer, log } = this.#options;
    try {
      yield* query(peer, model, json, { signal });
    } catch (error) {
      log.warn({ err: asLifeboatError(error) }, 'the PACS did not answer a query that was passed on');
    }
  }

  /** What it has of what an identifier names by its unique keys. @throws as findInstances */
  async instances(identifier: Identifier, signal: AbortSignal): Promise<RemoteInstance[]> {
    const { peer } = this.#options;
    const [studies, series, wanted] = ['0020000D', '0020000E', '00080018'].map((tag) => uidsOf(identifier, tag));
    if (identifier.level === 'PATIENT') {
      const patientID = identifier.keys.find(({ tag }) => tag === '00100020')?.value ?? '';
      for await (const row of findStudies(peer, { '00100020': patientID }, { signal }))
        if (textOf(row['00100020']) === patientID) studies!.push(textOf(row['0020000D']));
    }
    const found: RemoteInstance[] = [];
    for (const study of studies!)
      for await (const row of findInstances(peer, study, { signal })) {
        const one = {
          studyInstanceUID: study,
          seriesInstanceUID: textOf(row['0020000E']),
          sopInstanceUID: textOf(row['00080018']),
          sopClassUID: textOf(row['00080016']),
        };
        const deep = identifier.level === 'SERIES' || identifier.level === 'IMAGE';
        if (deep && series!.length > 0 && !series!.includes(one.seriesInstanceUID)) continue;
        if (identifier.level === 'IMAGE' && !wanted!.includes(one.sopInstanceUID)) continue;
        found.push(one);
      }
    return found;
  }

  /**
   * Brings these here: by C-GET, or by C-MOVE to ourselves where the PACS does not serve that. Yields whenever something came.
   * @throws what the line throws; what came until then is here
   */
  async *fetch(instances: readonly RemoteInstance[], signal: AbortSignal): AsyncGenerator<MoveProgress> {
    const { peer, receiver } = this.#options;
    const series = Map.groupBy(
      instances,
      ({ studyInstanceUID, seriesInstanceUID }) => `${studyInstanceUID} ${seriesInstanceUID}`,
    );
    let byMove = false;
    for (const list of series.values())
      for (let at = 0; at < list.length; at += ASKED_AT_ONCE) {
        const some = list.slice(at, at + ASKED_AT_ONCE);
        const { studyInstanceUID, seriesInstanceUID } = some[0]!;
        const keys = {
          '0020000D': studyInstanceUID,
          '0020000E': seriesInstanceUID,
          '00080018': some.map(({ sopInstanceUID }) => sopInstanceUID),
        };
        const sopClasses = [...new Set(some.map(({ sopClassUID }) => sopClassUID))].slice(0, MOST_CLASSES);
        if (!byMove) {
          try {
            yield* get(peer, 'IMAGE', keys, { sopClasses, receiver, signal });
            continue;
          } catch (error) {
            if (asLifeboatError(error).code !== 'PEER_NO_CONTEXT') throw error;
            byMove = true;
          }
        }
        yield* move(peer, peer.callingAE, 'IMAGE', keys, { signal });
      }
  }

  /** For the log. */
  failed(error: unknown): void {
    this.#options.log.warn({ err: asLifeboatError(error) }, 'the PACS did not give what is not here');
  }
}
