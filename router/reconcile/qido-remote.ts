import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { Reception } from '../../storage/receive-types.ts';
import { wadoFetch } from '../backfill/wado-fetch.ts';
import { studyOf } from './dimse-remote.ts';
import type { RemoteArchive, RemoteInstance, RemoteListing, RemoteStudy } from './remote-archive.ts';

const PAGE = 200;
const TIMEOUT_MS = 60_000;

export interface QidoRemoteOptions {
  /** Root of the service, without a slash at its end. */
  url: string;
  /** Asked for before each request. */
  headers(): Record<string, string>;
  /** Takes an instance's Part 10 file in; absent: nothing is fetched. */
  keep?(): Reception;
}

/** A PACS that answers QIDO-RS and WADO-RS (PS3.18 10.6, 10.4). */
export class QidoRemote implements RemoteArchive {
  readonly name: string;
  readonly #options: QidoRemoteOptions;

  constructor(name: string, options: QidoRemoteOptions) {
    this.name = name;
    this.#options = options;
  }

  async *studiesOn(day: string, signal: AbortSignal): AsyncGenerator<RemoteStudy> {
    for await (const row of this.rows('studies', { StudyDate: day, includefield: '00201208' }, signal))
      yield studyOf(row);
  }

  async study(studyInstanceUID: string, signal: AbortSignal): Promise<RemoteStudy | undefined> {
    const query = { StudyInstanceUID: studyInstanceUID, includefield: '00201208' };
    for await (const row of this.rows('studies', query, signal)) return studyOf(row);
    return undefined;
  }

  async list(studyInstanceUID: string, _ours: unknown, signal: AbortSignal): Promise<RemoteListing> {
    const instances: RemoteInstance[] = [];
    for await (const row of this.rows(`studies/${encodeURIComponent(studyInstanceUID)}/instances`, {}, signal)) {
      const seriesInstanceUID = String(row['0020000E']?.Value?.[0] ?? '');
      const sopInstanceUID = String(row['00080018']?.Value?.[0] ?? '');
      if (sopInstanceUID !== '') instances.push({ seriesInstanceUID, sopInstanceUID });
    }
    return { instances, complete: true };
  }

  fetch(studyInstanceUID: string, instances: readonly RemoteInstance[], signal: AbortSignal): Promise<void> {
    const { keep } = this.#options;
    if (!keep) {
      const message = 'Only the running router fetches over DICOMweb: begin it on the page.';
      return Promise.reject(new LifeboatError('PEER_FAILED_STATUS', message));
    }
    const receiver = { beginFile: () => keep() };
    return wadoFetch(this.#options, studyInstanceUID, instances, { receiver, source: { via: 'import' } }, signal);
  }

  /** Page after page: a service may give fewer than it is asked for, and none when there are no more. */
  async *rows(path: string, query: Record<string, string>, signal: AbortSignal): AsyncGenerator<DicomJson> {
    let last = '';
    for (let offset = 0; ; ) {
      const parameters = new URLSearchParams({ ...query, limit: String(PAGE), offset: String(offset) });
      const answer = await this.#get(`${path}?${parameters}`, 'application/dicom+json', signal);
      if (answer.status === 204 || answer.status === 404) {
        await answer.body?.cancel();
        return;
      }
      if (!answer.ok) {
        await answer.body?.cancel();
        throw new LifeboatError('PEER_FAILED_STATUS', `: QIDO-RS status ${answer.status}.`);
      }
      const rows = (await answer.json()) as DicomJson[];
      if (!Array.isArray(rows)) throw new LifeboatError('PEER_FAILED_STATUS', ': the answer to QIDO-RS is no list.');
      // A service that knows no offset gives the same page for ever.
      const page = JSON.stringify(rows[0] ?? null);
      if (rows.length === 0 || page === last) return;
      last = page;
      yield* rows;
      offset += rows.length;
    }
  }

  async #get(path: string, accept: string, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(`${this.#options.url}/${path}`, {
        headers: { ...this.#options.headers(), Accept: accept },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
    } catch (cause) {
      const timedOut = (cause as Error).name === 'TimeoutError';
      throw new LifeboatError(timedOut ? 'DIMSE_TIMEOUT' : 'PEER_UNREACHABLE', undefined, { cause });
    }
  }
}
