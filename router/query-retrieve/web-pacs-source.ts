import type { Logger } from 'pino';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import { type WadoPeer, wadoFetch } from '../backfill/wado-fetch.ts';
import type { MoveProgress } from '../dimse/retrieve-scu.ts';
import { fetchedFrom } from '../forward/forward-types.ts';
import { QidoRemote } from '../reconcile/qido-remote.ts';
import { type Identifier, textOf, uidsOf } from './identifier.ts';
import type { Elsewhere, RemoteInstance } from './pacs-source.ts';

export interface WebPacsSourceOptions {
  /** As what came from it is called (`source.user`): it is not passed on to it again. */
  name: string;
  peer: WadoPeer;
  /** By the watch of the PACS. */
  isUp(): boolean;
  receiver: Receiver;
  log: Logger;
}

/** After a line that failed it is left alone for so long, ms: nobody at a workstation waits for it again and again. */
const REST_MS = 30_000;
const PATHS = { PATIENT: 'studies', STUDY: 'studies', SERIES: 'series', IMAGE: 'instances' } as const;

/** The main PACS by QIDO-RS and WADO-RS (PS3.18 10.6, 10.4) as a source of what is not here. */
export class WebPacsSource implements Elsewhere {
  readonly #options: WebPacsSourceOptions;
  readonly #lister: QidoRemote;
  #restsUntil = 0;

  constructor(options: WebPacsSourceOptions) {
    this.#options = options;
    this.#lister = new QidoRemote(options.name, options.peer);
  }

  get isUp(): boolean {
    return Date.now() >= this.#restsUntil && this.#options.isUp();
  }

  async *find(_model: string, identifier: Identifier, signal: AbortSignal): AsyncGenerator<DicomJson> {
    try {
      const query = queryOf(identifier);
      for await (const row of this.#lister.rows(PATHS[identifier.level], query, signal))
        yield identifier.level === 'PATIENT' ? patientOf(row) : row;
    } catch (error) {
      this.failed(error);
    }
  }

  /** @throws what the line throws */
  async instances(identifier: Identifier, signal: AbortSignal): Promise<RemoteInstance[]> {
    const [studies, series, wanted] = ['0020000D', '0020000E', '00080018'].map((tag) => uidsOf(identifier, tag));
    if (identifier.level === 'PATIENT') {
      const patientID = identifier.keys.find(({ tag }) => tag === '00100020')?.value ?? '';
      if (patientID === '' || /[*?\\]/.test(patientID)) return [];
      for await (const row of this.#lister.rows('studies', { PatientID: patientID }, signal))
        if (textOf(row['00100020']) === patientID) studies!.push(textOf(row['0020000D']));
    }
    const deep = identifier.level === 'SERIES' || identifier.level === 'IMAGE';
    const found: RemoteInstance[] = [];
    for (const study of studies!)
      for await (const row of this.#lister.rows(`studies/${encodeURIComponent(study)}/instances`, {}, signal)) {
        const one = {
          studyInstanceUID: study,
          seriesInstanceUID: textOf(row['0020000E']),
          sopInstanceUID: textOf(row['00080018']),
          sopClassUID: textOf(row['00080016']),
        };
        if (deep && series!.length > 0 && !series!.includes(one.seriesInstanceUID)) continue;
        if (identifier.level === 'IMAGE' && !wanted!.includes(one.sopInstanceUID)) continue;
        found.push(one);
      }
    return found;
  }

  async *fetch(instances: readonly RemoteInstance[], signal: AbortSignal): AsyncGenerator<MoveProgress> {
    const { peer, receiver, name } = this.#options;
    const into = { receiver, source: { via: 'import', user: fetchedFrom(name) } } as const;
    let remaining = instances.length;
    const series = Map.groupBy(instances, (one) => `${one.studyInstanceUID} ${one.seriesInstanceUID}`);
    for (const list of series.values()) {
      await wadoFetch(peer, list[0]!.studyInstanceUID, list, into, signal);
      remaining -= list.length;
      yield { remaining };
    }
  }

  failed(error: unknown): void {
    const known = asLifeboatError(error);
    if (known.code === 'PEER_UNREACHABLE' || known.code === 'DIMSE_TIMEOUT') this.#restsUntil = Date.now() + REST_MS;
    this.#options.log.warn({ err: known }, 'the DICOMweb service of the PACS did not give what is not here');
  }
}

/** Keys and wanted attributes of a C-FIND identifier as a query string of QIDO-RS (PS3.18 8.3.4). */
function queryOf({ keys, asked, level }: Identifier): Record<string, string> {
  const query: Record<string, string> = {};
  for (const { tag, value } of keys) query[tag] = value.includes('\\') ? value.split('\\').join(',') : value;
  // One that would list a whole archive is no question of a person.
  if (Object.keys(query).length === 0)
    throw new LifeboatError('BAD_REQUEST', ': a query without any key is not passed on.');
  const wanted = [...asked.keys()].filter((tag) => !(tag in query) && (level !== 'PATIENT' || tag.startsWith('0010')));
  if (wanted.length > 0) query['includefield'] = wanted.join(',');
  return query;
}

const patientOf = (row: DicomJson): DicomJson =>
  Object.fromEntries(Object.entries(row).filter(([tag]) => tag.startsWith('0010')));
