import { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import type { CorrectionCreate, CorrectionRow, CorrectionsAnswer } from '../../contract/corrections.ts';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { TagChange } from '../forward/forward-types.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { identityOf, newestContents, type StudyIdentity, sameName } from '../reconcile/compare-study.ts';
import type { RemoteArchive } from '../reconcile/remote-archive.ts';
import { changesOf, correctionsFile } from './read-corrections.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS corrections (
    study TEXT PRIMARY KEY, patient_name TEXT NOT NULL, patient_id TEXT NOT NULL, accession TEXT, original TEXT NOT NULL,
    by TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS confirmations (
    study TEXT NOT NULL, destination TEXT NOT NULL, at TEXT, says TEXT NOT NULL, PRIMARY KEY (study, destination)
  ) STRICT, WITHOUT ROWID;
`;
const CHECK_MS = 30_000;
const MERGED_AT_ONCE = 500;

export interface CorrectionsOptions {
  dataDir: string;
  archive: Archive;
  forwarding: Forwarding;
  remote(name: string): RemoteArchive | undefined;
  log: Logger;
  checkMs?: number;
}

interface Correction extends Omit<CorrectionRow, 'destinations'> {}

/** LIFEBOAT_DATA/corrections.sqlite: who a study's patient really is. What was received stays as it is in the archive. */
export class Corrections {
  readonly #options: CorrectionsOptions;
  readonly #db: DatabaseSync;
  readonly #known = new Map<string, Correction>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();

  constructor(options: CorrectionsOptions) {
    this.#options = options;
    this.#db = new DatabaseSync(correctionsFile(options.dataDir), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    this.#db.exec(SCHEMA);
    for (const row of this.#db.prepare('SELECT * FROM corrections').all())
      this.#known.set(String(row['study']), {
        studyInstanceUID: String(row['study']),
        patientName: String(row['patient_name']),
        patientID: String(row['patient_id']),
        accessionNumber: row['accession'] as string | null,
        original: JSON.parse(String(row['original'])) as StudyIdentity,
        by: String(row['by']),
        at: String(row['at']),
        why: String(row['why']),
      });
    options.forwarding.corrections = (entry) => this.changes(entry);
  }

  start(): void {
    const tick = () => {
      this.#checking = this.#check().finally(() => {
        if (this.#stop.signal.aborted) return;
        this.#timer = setTimeout(tick, this.#options.checkMs ?? CHECK_MS);
      });
    };
    tick();
  }

  /** Of a study; undefined: none. */
  of(studyInstanceUID: string): Correction | undefined {
    return this.#known.get(studyInstanceUID);
  }

  /** Newest first. */
  all(): Correction[] {
    return [...this.#known.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  /** What is changed in images of a study on their way out. */
  changes({ studyInstanceUID }: Pick<InstanceEntry, 'studyInstanceUID'>): TagChange[] {
    const correction = this.#known.get(studyInstanceUID);
    if (!correction) return [];
    return changesOf(correction);
  }

  /**
   * Puts a correction in force and sends the study's images once more.
   * @returns the studies it is about
   * @throws NOT_FOUND when there is nothing to correct
   */
  async correct(asked: CorrectionCreate, by: string): Promise<string[]> {
    const studies = await this.#studiesOf(asked);
    const found: [string, InstanceEntry[]][] = [];
    for (const study of studies) {
      const entries = [...newestContents(await this.#options.archive.entries(study)).values()];
      if (entries.length > 0) found.push([study, entries]);
    }
    if (found.length === 0) throw new LifeboatError('NOT_FOUND', 'There is no such study here.');
    for (const [study, entries] of found) {
      this.#keep(study, asked, identityOf(entries[0]!.attributes), by);
      await this.#send(entries);
    }
    return found.map(([study]) => study);
  }

  async #studiesOf({ studyInstanceUID, mergeFromPatientID }: CorrectionCreate): Promise<string[]> {
    if (studyInstanceUID !== undefined) return [studyInstanceUID];
    const keys = [{ tag: '00100020', value: mergeFromPatientID ?? '' }];
    if (keys[0]!.value === '' || /[*?\\]/.test(keys[0]!.value))
      throw new LifeboatError('BAD_REQUEST', 'Name a study, or a patient ID without wild cards.');
    const { rows, more } = await this.#options.archive.catalogue.query({
      level: 'study',
      keys,
      limit: MERGED_AT_ONCE,
      offset: 0,
    });
    if (more) throw new LifeboatError('BAD_REQUEST', `More than ${MERGED_AT_ONCE} studies have this patient ID.`);
    return rows.map((row) => String(row['0020000D']?.Value?.[0] ?? ''));
  }

  #keep(study: string, asked: CorrectionCreate, original: StudyIdentity, by: string): void {
    const correction: Correction = {
      studyInstanceUID: study,
      patientName: asked.patientName,
      patientID: asked.patientID,
      accessionNumber: asked.accessionNumber ?? null,
      original,
      by,
      at: new Date().toISOString(),
      why: asked.why,
    };
    this.#db
      .prepare('INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        study,
        correction.patientName,
        correction.patientID,
        correction.accessionNumber,
        JSON.stringify(original),
        by,
        correction.at,
        correction.why,
      );
    this.#db.prepare('DELETE FROM confirmations WHERE study = ?').run(study);
    this.#known.set(study, correction);
  }

  /** Once more to everybody to whom the rules send it. */
  async #send(entries: readonly InstanceEntry[]): Promise<void> {
    const { forwarding } = this.#options;
    for (const { name } of forwarding.destinations) {
      const meant: InstanceEntry[] = [];
      for (const entry of entries)
        if ((await forwarding.route(entry)).some(({ destination }) => destination === name)) meant.push(entry);
      if (meant.length > 0) await forwarding.sendAgain(name, meant);
    }
  }

  /** @throws NOT_FOUND */
  withdraw(studyInstanceUID: string): void {
    if (!this.#known.delete(studyInstanceUID)) throw new LifeboatError('NOT_FOUND', 'There is no such correction.');
    this.#db.prepare('DELETE FROM corrections WHERE study = ?').run(studyInstanceUID);
    this.#db.prepare('DELETE FROM confirmations WHERE study = ?').run(studyInstanceUID);
  }

  answer(): CorrectionsAnswer {
    const { forwarding } = this.#options;
    const said = this.#db.prepare('SELECT at, says FROM confirmations WHERE study = ? AND destination = ?');
    return {
      rows: this.all().map((correction) => ({
        ...correction,
        destinations: forwarding.ofStudy(correction.studyInstanceUID).map(({ destination, owed, sent }) => {
          const row = said.get(correction.studyInstanceUID, destination);
          return {
            name: destination,
            owed,
            sent,
            confirmedAt: (row?.['at'] as string | null | undefined) ?? null,
            says: String(row?.['says'] ?? ''),
          };
        }),
      })),
    };
  }

  /** Asks each PACS that has all images whom it takes the patient for. */
  async #check(): Promise<void> {
    const { remote, log } = this.#options;
    for (const { studyInstanceUID, destinations, ...correction } of this.answer().rows)
      for (const { name, owed, sent, confirmedAt } of destinations) {
        if (this.#stop.signal.aborted) return;
        if (confirmedAt !== null || owed === 0 || sent < owed) continue;
        try {
          const study = await remote(name)?.study(studyInstanceUID, this.#stop.signal);
          if (!study || this.#stop.signal.aborted) continue;
          const same = study.patientID === correction.patientID && sameName(correction.patientName, study.patientName);
          this.#db
            .prepare('INSERT OR REPLACE INTO confirmations VALUES (?, ?, ?, ?)')
            .run(
              studyInstanceUID,
              name,
              same ? new Date().toISOString() : null,
              `${study.patientName} ${study.patientID}`,
            );
        } catch (error) {
          if (this.#stop.signal.aborted) return;
          log.info({ code: asLifeboatError(error).code, destination: name }, 'a correction is not confirmed yet');
        }
      }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#checking;
    this.#db.close();
  }
}
