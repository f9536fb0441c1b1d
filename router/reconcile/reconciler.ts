import type { Logger } from 'pino';
import { asLifeboatError, type ErrorCode, type LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { studiesReceived } from '../forward/entries-since.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { compareStudy, newestContents } from './compare-study.ts';
import { expectedIdentity } from './expected-identity.ts';
import { judgeStudy, type Mending } from './judge-study.ts';
import type { ReconcileState } from './reconcile-state.ts';
import type { RemoteArchive, RemoteListing, RemoteStudy } from './remote-archive.ts';

/** What storage commitment has proved: SOP Instance UIDs of these that `destination` committed to keep; undefined: never asked. */
export type CommitmentProof = (
  destination: string,
  entries: readonly InstanceEntry[],
) => ReadonlySet<string> | undefined | Promise<ReadonlySet<string> | undefined>;

export interface ReconcilerOptions {
  state: ReconcileState;
  archive: Pick<Archive, 'catalogue' | 'entries'>;
  forwarding: Forwarding;
  /** By the names that runs have. */
  remote(peer: string): RemoteArchive | undefined;
  proof?: CommitmentProof;
  log?: Logger;
  /** False: nothing is sent or fetched, only said. */
  mend: boolean;
  /** How often in a row the peer may give no answer before the run is given up for now; default: for ever. */
  patience?: number;
  /** How long the storage commitment of what was delivered is waited for at the end, ms; default: not at all. */
  commitmentMs?: number;
  /** First pause after a peer that does not answer, ms; default 2 s. */
  pauseMs?: number;
}

export interface ReconcileProgress {
  phase: 'listing' | 'comparing' | 'mending';
  done: number;
  total: number;
  message: string;
}

/** What the line to a peer throws when it may work again later. */
const NOT_NOW = new Set<ErrorCode>([
  'PEER_UNREACHABLE',
  'PEER_REJECTED',
  'PEER_ABORTED',
  'DIMSE_TIMEOUT',
  'DIMSE_CONNECTION_LOST',
  'STORE_UNAVAILABLE',
  'CATALOGUE_UNAVAILABLE',
]);
const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
/** A study is put right so often by itself; then a person looks. */
const ROUNDS = 3;
/** Nothing more was said of what is being sent for so long: it is looked at once more as it is. */
const SENDING_STALLS_MS = 10 * 60_000;
const ARRIVES_MS = 30_000;
const DAY_MS = 86_400_000;

/** Compares with a PACS, puts right what can be put right, and lists the rest; goes on where it was interrupted. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** Why a PACS did not send what was asked for, by study. */
  readonly #refused = new Map<string, string>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /**
   * Works on a run until it is done.
   * @throws what the line to the peer throws when patience is at its end, NOT_FOUND-like PEER_UNREACHABLE when the peer is configured no more
   */
  async work(id: number, signal: AbortSignal, onProgress?: (progress: ReconcileProgress) => void): Promise<void> {
    const { state } = this.#options;
    const run = state.run(id)!;
    const remote = this.#options.remote(run.peer);
    if (!remote) {
      state.setState(id, 'held', `${run.peer} is not configured any more: configure it, or begin another run.`);
      return;
    }
    const tell = (phase: ReconcileProgress['phase']) => {
      if (!onProgress) return;
      const { studies, compared, message } = state.run(id)!;
      onProgress({ phase, done: compared, total: studies, message });
    };
    const patiently = <T>(phase: ReconcileProgress['phase'], work: () => Promise<T>) =>
      this.#patiently(id, phase, signal, work);

    if (state.listed(id) !== 'all') {
      state.setState(id, 'listing');
      await this.#list(id, remote, signal, patiently, () => tell('listing'));
    }
    for (const phase of ['comparing', 'mending'] as const) {
      if (signal.aborted) return;
      state.setState(id, phase);
      const wanted = phase === 'comparing' ? 'listed' : 'mending';
      for (;;) {
        const row = state.nextStudy(id, wanted);
        if (!row) break;
        if (wanted === 'mending') await this.#settled(id, row.study, remote, signal);
        if (signal.aborted) return;
        await patiently(phase, () => this.#study(id, row.study, row.rounds, remote, signal));
        tell(phase);
      }
    }
    await this.#commitments(id, signal);
    if (!signal.aborted) state.setState(id, 'done');
  }

  /** What was only just delivered is committed a little later. */
  async #commitments(id: number, signal: AbortSignal): Promise<void> {
    const { state, archive, proof, commitmentMs = 0 } = this.#options;
    const { peer, from, to } = state.run(id)!;
    for (const until = Date.now() + commitmentMs; proof && Date.now() < until && !signal.aborted; ) {
      const open = [...state.studies(id)].filter(
        ({ committed, delivered }) => committed !== null && committed < delivered,
      );
      if (open.length === 0) return;
      state.setState(id, 'mending', `${open.length} studies wait for the storage commitment of the PACS.`);
      for (const { study } of open) {
        const entries = (await archive.entries(study)).filter(
          ({ receivedAt }) => receivedAt >= from && receivedAt < to,
        );
        const committed = await proof(peer, entries);
        if (committed) state.setCommitted(id, study, committed.size);
      }
      await sleep(1_000, signal);
    }
  }

  /** Again and again while the other side gives no answer. */
  async #patiently<T>(id: number, phase: ReconcileProgress['phase'], signal: AbortSignal, work: () => Promise<T>) {
    const { state, log, patience = Number.POSITIVE_INFINITY, pauseMs = PAUSE_MS } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        const value = await work();
        if (tries > 1) state.setState(id, phase);
        return value;
      } catch (thrown) {
        const error: LifeboatError = asLifeboatError(thrown);
        if (signal.aborted) return undefined;
        if (!NOT_NOW.has(error.code) || tries >= patience) throw error;
        state.setState(
          id,
          'held',
          `${error.message.replace(/\.$/, '')}. It goes on by itself when there is an answer.`,
        );
        log?.warn({ run: id, code: error.code, tries }, 'reconciliation waits');
        await sleep(Math.min(LONGEST_PAUSE_MS, pauseMs * 2 ** (tries - 1)), signal);
        if (signal.aborted) return undefined;
      }
    }
  }

  /** Studies received here in the span, then day by day those that the PACS dates within it. */
  async #list(
    id: number,
    remote: RemoteArchive,
    signal: AbortSignal,
    patiently: (phase: 'listing', work: () => Promise<void>) => Promise<void>,
    tell: () => void,
  ): Promise<void> {
    const { state, archive } = this.#options;
    const { from, to } = state.run(id)!;
    if (state.listed(id) === '') {
      await patiently('listing', async () => {
        for await (const { studyInstanceUID } of studiesReceived(archive, from, to)) {
          if (signal.aborted) return;
          state.addStudies(id, [studyInstanceUID]);
          tell();
        }
      });
      if (signal.aborted) return;
      state.setListed(id, 'here');
    }
    const span = { from: new Date(from), to: new Date(to) };
    // Nothing is dated after tomorrow, whatever clock a modality has.
    const until = new Date(Math.min(span.to.getTime(), Date.now() + DAY_MS));
    for (const day of daysOf(span.from, until)) {
      const listed = state.listed(id);
      if (listed !== 'here' && day <= listed) continue;
      await patiently('listing', async () => {
        for await (const study of remote.studiesOn(day, signal))
          if (isWithin(study, span)) state.addStudies(id, [study.studyInstanceUID]);
      });
      if (signal.aborted) return;
      state.setListed(id, day);
      tell();
    }
    state.setListed(id, 'all');
  }

  async #study(id: number, study: string, rounds: number, remote: RemoteArchive, signal: AbortSignal): Promise<void> {
    const { state, archive, forwarding, proof, mend } = this.#options;
    const { from, to, peer } = state.run(id)!;
    const entries = await archive.entries(study);
    const newest = newestContents(entries);
    // What this PACS sent here itself was not received for it.
    const inSpan = new Set(
      entries
        .filter((entry) => entry.receivedAt >= from && entry.receivedAt < to && !forwarding.cameFrom(entry, peer))
        .map(({ sopInstanceUID }) => sopInstanceUID),
    );
    const ours = Map.groupBy(newest.values(), ({ seriesInstanceUID }) => seriesInstanceUID);
    const names = new Map(
      [...ours].map(([series, list]) => [series, list.map(({ sopInstanceUID }) => sopInstanceUID)]),
    );
    let described: RemoteStudy | undefined;
    let listing: RemoteListing;
    try {
      described = await remote.study(study, signal);
      listing = await remote.list(study, names, signal);
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code !== 'PEER_FAILED_STATUS') throw error;
      const words = `${peer} does not list this study: ${error.message}`;
      const result = {
        ...whose(entries, undefined),
        received: inSpan.size,
        meant: inSpan.size,
        delivered: 0,
        committed: null,
      };
      state.compared(id, study, result, [{ kind: 'unlisted', mending: false, words, uids: [], possible: ['accept'] }]);
      return;
    }
    if (signal.aborted) return;
    const comparison = compareStudy(
      entries,
      listing,
      described,
      await expectedIdentity(forwarding, peer, [...newest.values()]),
    );
    const notMeant = new Set<string>();
    if (forwarding.has(peer))
      for (const entry of comparison.onlyHere)
        if (!(await forwarding.route(entry)).some(({ destination }) => destination === peer))
          notMeant.add(entry.sopInstanceUID);
    const { findings, mending } = judgeStudy({
      comparison,
      notMeant,
      complete: listing.complete,
      received: inSpan.size,
      peer,
      answerTo: (entry) => forwarding.answerTo(peer, entry.sopInstanceUID, entry.dataSetSha256),
      canSend: forwarding.has(peer),
      mend: mend && rounds < ROUNDS,
      refused: this.#refused.get(study) ?? '',
    });
    const committed = await proof?.(peer, [...newest.values()]);
    // Done before it is written down: after a crash in between it is done once more, which does no harm.
    await this.#mend(study, mending, remote, signal);
    if (signal.aborted) return;
    state.compared(
      id,
      study,
      {
        ...whose(entries, described),
        received: inSpan.size,
        meant: [...inSpan].filter((uid) => !notMeant.has(uid)).length,
        delivered: [...inSpan].filter((uid) => comparison.both.has(uid)).length,
        committed: committed ? [...inSpan].filter((uid) => committed.has(uid)).length : null,
      },
      findings,
    );
  }

  async #mend(study: string, { resend, fetch }: Mending, remote: RemoteArchive, signal: AbortSignal): Promise<void> {
    const { forwarding, archive, log } = this.#options;
    if (resend.length > 0) await forwarding.sendAgain(remote.name, resend);
    this.#refused.delete(study);
    if (fetch.length === 0) return;
    try {
      await remote.fetch(study, fetch, signal);
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (NOT_NOW.has(error.code)) throw error;
      // What it would not send is found to be missing by the next comparison and said there.
      log?.warn({ err: error, study }, 'reconciliation: the PACS did not send what was asked for');
      this.#refused.set(study, error.message);
      return;
    }
    const wanted = new Set(fetch.map(({ sopInstanceUID }) => sopInstanceUID));
    this.#refused.set(study, 'It says that it sent them, and they did not arrive.');
    for (const until = Date.now() + ARRIVES_MS; Date.now() < until && !signal.aborted; ) {
      for (const { sopInstanceUID } of await archive.entries(study)) wanted.delete(sopInstanceUID);
      if (wanted.size === 0) {
        this.#refused.delete(study);
        return;
      }
      await sleep(300, signal);
    }
  }

  /** Resolves when nothing of a study is on its way to the PACS any more, or nothing moves. */
  async #settled(id: number, study: string, remote: RemoteArchive, signal: AbortSignal): Promise<void> {
    const { forwarding, archive, state } = this.#options;
    let before = -1;
    for (let since = Date.now(); Date.now() - since < SENDING_STALLS_MS && !signal.aborted; ) {
      const waiting = (await archive.entries(study)).filter(
        ({ sopInstanceUID, dataSetSha256 }) =>
          forwarding.answerTo(remote.name, sopInstanceUID, dataSetSha256)?.state === 'waiting',
      ).length;
      if (waiting === 0) break;
      if (waiting !== before) {
        since = Date.now();
        before = waiting;
        state.setState(id, 'mending', `${waiting} images of one study are being sent.`);
      }
      await sleep(500, signal);
    }
  }
}

function whose(entries: readonly InstanceEntry[], described: RemoteStudy | undefined) {
  const first = entries[0]?.attributes;
  const text = (tag: string) => String(first?.[tag]?.Value?.[0] ?? '');
  if (!first)
    return {
      patientName: described?.patientName ?? '',
      patientID: described?.patientID ?? '',
      studyDate: described?.studyDate ?? '',
    };
  return { patientName: patientNameOf(entries[0]!), patientID: text('00100020'), studyDate: text('00080020') };
}

function patientNameOf({ attributes }: InstanceEntry): string {
  const name = (attributes['00100010']?.Value?.[0] ?? {}) as Record<string, string>;
  return [name['Alphabetic'], name['Ideographic'], name['Phonetic']]
    .map((group) => group ?? '')
    .join('=')
    .replace(/=+$/, '');
}

const pad = (n: number): string => String(n).padStart(2, '0');
/** YYYYMMDD by this machine's clock, as modalities date studies. */
const dayOf = (at: Date): string => `${at.getFullYear()}${pad(at.getMonth() + 1)}${pad(at.getDate())}`;

function* daysOf(from: Date, to: Date): Generator<string> {
  const day = new Date(from.getFullYear(), from.getMonth(), from.getDate(), 12);
  for (const last = dayOf(new Date(to.getTime() - 1)); dayOf(day) <= last; day.setDate(day.getDate() + 1))
    yield dayOf(day);
}

/** A study without a time belongs to the whole of its day. */
function isWithin({ studyDate, studyTime }: RemoteStudy, { from, to }: { from: Date; to: Date }): boolean {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(studyDate);
  const clock = /^(\d{2})(\d{2})?(\d{2})?/.exec(studyTime);
  if (!parts || !clock) return true;
  const [hour, minute, second] = [clock[1], clock[2], clock[3]].map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
  ];
  const at = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]), hour, minute, second);
  return at >= from && at < to;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
