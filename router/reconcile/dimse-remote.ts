import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import type { PeerAddress } from '../dimse/association-requestor.ts';
import { find, type QueryKeys } from '../dimse/query-scu.ts';
import { move } from '../dimse/retrieve-scu.ts';
import type { RemoteArchive, RemoteInstance, RemoteListing, RemoteStudy } from './remote-archive.ts';

/** A list of UIDs in one key; more than that and some peers truncate the request. */
const UIDS_AT_ONCE = 40;
/** Numbers of answers at which a PACS may have stopped without saying so. */
const LIMITS = new Set([50, 100, 200, 250, 300, 400, 500, 1000, 2000, 2500, 5000, 10_000, 20_000]);
const DAY_MINUTES = 24 * 60;

export interface DimseRemoteOptions {
  /** Where it moves images to: our own AE title, which it must know. */
  moveTo: string;
}

/** A PACS that answers C-FIND and C-MOVE (PS3.4 Annex C). */
export class DimseRemote implements RemoteArchive {
  readonly name: string;
  readonly #peer: PeerAddress;
  readonly #moveTo: string;

  constructor(name: string, peer: PeerAddress, { moveTo }: DimseRemoteOptions) {
    this.name = name;
    this.#peer = peer;
    this.#moveTo = moveTo;
  }

  async *studiesOn(day: string, signal: AbortSignal): AsyncGenerator<RemoteStudy> {
    const seen = new Set<string>();
    for await (const study of this.#part(day, 0, DAY_MINUTES, signal)) {
      if (seen.has(study.studyInstanceUID)) continue;
      seen.add(study.studyInstanceUID);
      yield study;
    }
  }

  /** Studies of a part of a day; halves of it where the answer is refused or may have been cut. */
  async *#part(day: string, from: number, until: number, signal: AbortSignal): AsyncGenerator<RemoteStudy> {
    const whole = from === 0 && until === DAY_MINUTES;
    const keys: QueryKeys = {
      '00080020': day,
      ...(!whole && { '00080030': `${clock(from)}00-${clock(until - 1)}59.999999` }),
    };
    const studies: RemoteStudy[] = [];
    let refused: LifeboatError | undefined;
    try {
      for await (const row of find(this.#peer, 'STUDY', keys, { signal })) studies.push(studyOf(row));
    } catch (error) {
      refused = asLifeboatError(error);
      if (refused.code !== 'PEER_FAILED_STATUS') throw error;
    }
    // What was answered counts also when the rest is refused; a study without a time is in the answer for the whole day alone.
    yield* studies;
    if (!refused && !LIMITS.has(studies.length)) return;
    if (until - from > 1) {
      const middle = Math.floor((from + until) / 2);
      yield* this.#part(day, from, middle, signal);
      yield* this.#part(day, middle, until, signal);
    } else if (refused) throw refused;
  }

  async study(studyInstanceUID: string, signal: AbortSignal): Promise<RemoteStudy | undefined> {
    for await (const row of find(this.#peer, 'STUDY', { '0020000D': studyInstanceUID }, { signal })) {
      const study = studyOf(row);
      if (study.studyInstanceUID === studyInstanceUID) return study;
    }
    return undefined;
  }

  async list(
    studyInstanceUID: string,
    ours: ReadonlyMap<string, readonly string[]>,
    signal: AbortSignal,
  ): Promise<RemoteListing> {
    const said = new Map<string, number | undefined>();
    let complete = true;
    for await (const row of find(this.#peer, 'SERIES', { '0020000D': studyInstanceUID }, { signal })) {
      const uid = textOf(row, '0020000E');
      if (uid !== '') said.set(uid, numberOf(row, '00201209'));
    }
    const instances: RemoteInstance[] = [];
    for (const [seriesInstanceUID, count] of said) {
      const listed = await this.#series(studyInstanceUID, seriesInstanceUID, signal);
      instances.push(...listed.instances);
      const all = count === undefined ? !LIMITS.has(listed.instances.length) : listed.instances.length >= count;
      if (all && !listed.refused) continue;
      complete = false;
      const known = new Set(listed.instances.map(({ sopInstanceUID }) => sopInstanceUID));
      const unasked = (ours.get(seriesInstanceUID) ?? []).filter((uid) => !known.has(uid));
      instances.push(...(await this.#byName(studyInstanceUID, seriesInstanceUID, unasked, signal)));
    }
    return { instances, complete };
  }

  async #series(study: string, seriesInstanceUID: string, signal: AbortSignal) {
    const instances: RemoteInstance[] = [];
    const keys = { '0020000D': study, '0020000E': seriesInstanceUID };
    try {
      for await (const row of find(this.#peer, 'IMAGE', keys, { signal })) {
        const sopInstanceUID = textOf(row, '00080018');
        if (sopInstanceUID !== '') instances.push({ seriesInstanceUID, sopInstanceUID });
      }
    } catch (error) {
      if (asLifeboatError(error).code !== 'PEER_FAILED_STATUS') throw error;
      return { instances, refused: true };
    }
    return { instances, refused: false };
  }

  /** Which of these it has; halves of them where so many answers are refused. */
  async #byName(
    study: string,
    seriesInstanceUID: string,
    uids: readonly string[],
    signal: AbortSignal,
  ): Promise<RemoteInstance[]> {
    const found = new Set<string>();
    const todo = chunks(uids, UIDS_AT_ONCE);
    for (let asked = todo.pop(); asked; asked = todo.pop()) {
      const keys = { '0020000D': study, '0020000E': seriesInstanceUID, '00080018': asked };
      const wanted = new Set(asked);
      try {
        for await (const row of find(this.#peer, 'IMAGE', keys, { signal })) {
          const uid = textOf(row, '00080018');
          if (wanted.has(uid)) found.add(uid);
        }
      } catch (error) {
        if (asLifeboatError(error).code !== 'PEER_FAILED_STATUS' || asked.length === 1) throw error;
        todo.push(...chunks(asked, Math.ceil(asked.length / 2)));
      }
    }
    return [...found].map((sopInstanceUID) => ({ seriesInstanceUID, sopInstanceUID }));
  }

  async fetch(studyInstanceUID: string, instances: readonly RemoteInstance[], signal: AbortSignal): Promise<void> {
    const series = Map.groupBy(instances, ({ seriesInstanceUID }) => seriesInstanceUID);
    for (const [seriesInstanceUID, wanted] of series) {
      for (let at = 0; at < wanted.length; at += UIDS_AT_ONCE) {
        const uids = wanted.slice(at, at + UIDS_AT_ONCE).map(({ sopInstanceUID }) => sopInstanceUID);
        const keys = { '0020000D': studyInstanceUID, '0020000E': seriesInstanceUID, '00080018': uids };
        let told = false;
        for await (const progress of move(this.#peer, this.#moveTo, 'IMAGE', keys, { signal })) {
          if (!('failedUIDs' in progress)) continue;
          told = true;
          const failed = Number(progress.failed ?? 0);
          if (failed > 0) throw new LifeboatError('PEER_FAILED_STATUS', `: ${failed} images were not sent.`);
        }
        if (!told) throw new LifeboatError('PEER_FAILED_STATUS', 'The peer did not say how the C-MOVE ended.');
      }
    }
  }
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));
}

const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}${String(minute % 60).padStart(2, '0')}`;

const textOf = (row: DicomJson, tag: string): string => String(row[tag]?.Value?.[0] ?? '').trim();

function numberOf(row: DicomJson, tag: string): number | undefined {
  const text = textOf(row, tag);
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** From the answer to a query at STUDY level, C-FIND or QIDO-RS. */
export function studyOf(row: DicomJson): RemoteStudy {
  const instances = numberOf(row, '00201208');
  return {
    studyInstanceUID: textOf(row, '0020000D'),
    patientName: joinPersonName((row['00100010']?.Value?.[0] ?? {}) as PersonName),
    patientID: textOf(row, '00100020'),
    accessionNumber: textOf(row, '00080050'),
    studyDate: textOf(row, '00080020'),
    studyTime: textOf(row, '00080030'),
    ...(instances !== undefined && { instances }),
  };
}
