import { asLifeboatError } from '../../../../contract/errors.ts';
import type { BucketBoot } from '../../../../contract/lifeboat.ts';
import {
  envelopeKey,
  isEnvelopeName,
  openEnvelope,
  readEnvelope,
  type StoreCredential,
} from '../../../../storage/format/break-glass-envelope.ts';
import { breakGlassEvent, browserUlid } from '../../../../storage/format/break-glass-event.ts';
import { openLifeboatIndex } from '../../../../storage/format/lifeboat-index.ts';
import { HttpStore } from '../../../../storage/format/lifeboat-store.ts';
import { RequestError } from '../../shared/api/client.ts';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';

export type LifeboatIndex = Awaited<ReturnType<typeof openLifeboatIndex>>;
type EventAction = Parameters<typeof breakGlassEvent>[0]['action'];

/** Who opens the store, why, and with what. */
export interface BreakGlass {
  person: string;
  reason: string;
  /** Absent where the store lets everybody read. */
  key?: { envelope: string; password: string } | StoreCredential;
}

/**
 * Where the visit leaves its trace: as events in the store, which a router takes into the audit trail; or only in the access log
 * of the store, or of the web server.
 */
export type Trace = 'events' | 'store-log' | 'web-log';

/** What the page was told of the store before anybody signed in. */
export interface StoreLook {
  base: string;
  boot: BucketBoot;
  open: boolean;
  clockAheadMs: number;
}

const text = lifeboatMessages.signIn;

async function credentialOf(look: StoreLook, key: NonNullable<BreakGlass['key']>): Promise<StoreCredential> {
  if ('accessKey' in key) return { accessKey: key.accessKey.trim(), secretKey: key.secretKey.trim() };
  const name = key.envelope.trim().toLowerCase();
  if (!isEnvelopeName(name)) throw new RequestError(404, 'NOT_FOUND', text.noEnvelope(key.envelope));
  let packed: Uint8Array;
  try {
    packed = await new HttpStore({ base: look.base }).get(envelopeKey(name));
  } catch (error) {
    const { code } = asLifeboatError(error);
    // A bucket says 403 also of what is not there, where it may not be listed.
    if (code === 'OBJECT_NOT_FOUND' || code === 'FORBIDDEN')
      throw new RequestError(404, 'NOT_FOUND', text.noEnvelope(name));
    throw error;
  }
  return await openEnvelope(readEnvelope(new TextDecoder().decode(packed)), key.password);
}

interface About {
  visit: string;
  person: string;
  reason: string;
  credential: string;
}

/** One person's time in lifeboat mode. The credential lives in here alone and goes with the page. */
export class Visit {
  readonly person: string;
  readonly startedAt = Date.now();
  readonly store: HttpStore;
  readonly #about: About;
  readonly #listeners = new Set<() => void>();
  readonly #viewed = new Set<string>();
  readonly #problems = new Map<string, string[]>();
  #index: Promise<LifeboatIndex> | undefined;
  #newestPieceAt: string | undefined;
  trace: Trace;
  /** Events that the store did not take after it had taken others. */
  lostEvents = 0;
  /** The signed description of the archive is not what was signed. */
  forged = false;
  version = 0;

  private constructor(store: HttpStore, about: About, trace: Trace) {
    this.store = store;
    this.person = about.person;
    this.#about = about;
    this.trace = trace;
  }

  /**
   * Opens the store.
   * @throws LifeboatError or RequestError, with a sentence for whoever tries
   */
  static async begin(look: StoreLook, glass: BreakGlass): Promise<Visit> {
    const person = glass.person.trim();
    const reason = glass.reason.trim();
    const visit = browserUlid();
    const credential = glass.key && !look.open ? await credentialOf(look, glass.key) : undefined;
    const store = new HttpStore({
      base: look.base,
      credential,
      region: look.boot.region,
      clockAheadMs: look.clockAheadMs,
      marks: { 'x-lifeboat-visit': visit },
    });
    await store.get('lifeboat.json', undefined, { 'x-lifeboat-person': person, 'x-lifeboat-reason': reason });
    const used = !glass.key || look.open ? 'none' : 'envelope' in glass.key ? `envelope ${glass.key.envelope}` : '';
    const about = { visit, person, reason, credential: used || `access key ${credential?.accessKey ?? ''}` };
    const begun = new Visit(store, about, credential ? 'events' : 'web-log');
    if (credential) await begun.#signIn();
    return begun;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The search index; one that could not be opened is tried anew at the next question. */
  index(): Promise<LifeboatIndex> {
    this.#index ??= openLifeboatIndex(this.store).then(
      (index) => {
        this.forged = index.archive.signature === 'invalid';
        if (this.forged) this.#changed();
        return index;
      },
      (error: unknown) => {
        this.#index = undefined;
        throw error;
      },
    );
    return this.#index;
  }

  /** When the newest piece of the search index was written, as far as known. */
  get newestPieceAt(): string | undefined {
    return this.#newestPieceAt;
  }

  noteIndexAge(newestPieceAt: string | undefined): void {
    if (newestPieceAt === this.#newestPieceAt) return;
    this.#newestPieceAt = newestPieceAt;
    this.#changed();
  }

  /** Sentences on the lists of a study that could not be read. */
  problemsOf(studyInstanceUIDs: readonly string[]): string[] {
    return studyInstanceUIDs.flatMap((uid) => this.#problems.get(uid) ?? []);
  }

  noteProblems(studyInstanceUID: string, problems: string[]): void {
    this.#problems.set(studyInstanceUID, problems);
    this.#changed();
  }

  noteQuery(searchedFor: string): void {
    void this.#note('query', searchedFor);
  }

  /** Once for each study. */
  noteView(studyInstanceUID: string): void {
    if (this.#viewed.has(studyInstanceUID)) return;
    this.#viewed.add(studyInstanceUID);
    void this.#note('view', studyInstanceUID);
  }

  async end(): Promise<void> {
    await this.#note('sign-out');
  }

  async #signIn(): Promise<void> {
    try {
      await this.#write('sign-in');
    } catch {
      // Read-only to the letter, or no room: the request for lifeboat.json carried name and reason into the store's log.
      this.trace = 'store-log';
    }
  }

  async #note(action: EventAction, object?: string): Promise<void> {
    if (this.trace !== 'events') return;
    try {
      await this.#write(action, object);
    } catch {
      this.lostEvents += 1;
      this.#changed();
    }
  }

  async #write(action: EventAction, object?: string): Promise<void> {
    const { key, body } = breakGlassEvent({ ...this.#about, action, ...(object !== undefined && { object }) });
    await this.store.put(key, body);
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
