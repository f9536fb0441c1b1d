import { asLifeboatError } from '../contract/errors.ts';
import type { Catalogue, CatalogueContent } from './catalogue/catalogue-types.ts';
import { manifestPrefix, studyPath } from './keys.ts';
import { contentId } from './merge.ts';
import type { StudyReader } from './verify-reader.ts';
import { type CheckedEntry, patientOf } from './verify-segments.ts';
import type { Finding, FindingKind, FindingPatient } from './verify-types.ts';

interface ComparedStudy {
  path: string;
  studyInstanceUID?: string;
  entries: CheckedEntry[];
}

/**
 * Compares the catalogue with the manifests, content by content. A catalogue that does not answer, or is just being rebuilt,
 * is one finding 'not-checked', not one for each study.
 */
export class CatalogueCheck {
  readonly #catalogue: Catalogue;
  readonly #reader: StudyReader;
  readonly #strayAgeMs: number;
  /** Studies of the store that the catalogue knows too, so far. */
  shared: number;
  #away = false;
  readonly #unreadable = new Set<string>();

  constructor(catalogue: Catalogue, reader: StudyReader, strayAgeMs: number, shared = 0) {
    this.#catalogue = catalogue;
    this.#reader = reader;
    this.#strayAgeMs = strayAgeMs;
    this.shared = shared;
  }

  async compare(study: ComparedStudy): Promise<Finding[]> {
    const { studyInstanceUID } = study;
    if (this.#away || !studyInstanceUID) return [];
    try {
      const shown = await this.#catalogue.contents(studyInstanceUID);
      if (shown.length > 0) this.shared++;
      const findings = await this.#differences(study, shown);
      if (findings.length === 0 || this.#catalogue.needsRebuild !== true) return findings;
      return this.#notChecked('it is not complete: it is being rebuilt, or `lifeboat rebuild` was broken off');
    } catch (error) {
      return this.#notChecked(asLifeboatError(error).message);
    }
  }

  /** Some segment of this study cannot be read: what the store has of it is not known, and nothing is said of it. */
  leaveOut(path: string): void {
    this.#unreadable.add(path);
  }

  /** Studies that only the catalogue has; to be asked when the whole store was read. */
  async surplus(): Promise<Finding[]> {
    if (this.#away) return [];
    const findings: Finding[] = [];
    try {
      const { studies } = await this.#catalogue.totals();
      if (studies <= this.shared) return [];
      for (let after = ''; ; ) {
        const uids = await this.#catalogue.studyUIDs(after);
        for (const uid of uids) {
          const path = `${studyPath(uid)}/`;
          if (this.#unreadable.has(path) || (await this.#reader.list(path)).manifests.length > 0) continue;
          for (const content of await this.#catalogue.contents(uid))
            findings.push({ ...this.#about(uid, content, 'catalogue-only'), patient: await this.patient(uid) });
        }
        if (uids.length === 0) return findings;
        after = uids.at(-1)!;
      }
    } catch (error) {
      return [...findings, ...this.#notChecked(asLifeboatError(error).message)];
    }
  }

  /** Whose study the catalogue says it is. */
  async patient(studyInstanceUID: string): Promise<FindingPatient | undefined> {
    try {
      const keys = [{ tag: '0020000D', value: studyInstanceUID }];
      const { rows } = await this.#catalogue.query({ level: 'study', keys, limit: 1, offset: 0 });
      return rows[0] && patientOf(rows[0]);
    } catch (error) {
      // the finding stands without a name; that the catalogue is away is told once
      if (asLifeboatError(error).code === 'CATALOGUE_UNAVAILABLE') return undefined;
      throw error;
    }
  }

  #notChecked(reason: string): Finding[] {
    this.#away = true;
    return [{ kind: 'not-checked', key: '', text: `the catalogue could not be compared: ${reason}` }];
  }

  async #differences(study: ComparedStudy, shown: CatalogueContent[]): Promise<Finding[]> {
    const uid = study.studyInstanceUID!;
    const kept = new Map<string, CheckedEntry[]>();
    for (const entry of study.entries) kept.set(contentId(entry), [...(kept.get(contentId(entry)) ?? []), entry]);
    const findings: Finding[] = [];
    let only = shown.filter((content) => !kept.has(contentId(content)));
    if (only.length > 0) {
      // committed since the study was listed?
      const since = await this.#contentsNow(study);
      only = only.filter((content) => !since.has(contentId(content)));
    }
    for (const content of only) findings.push(this.#about(uid, content, 'catalogue-only'));
    const known = new Map(shown.map((content) => [contentId(content), content]));
    for (const [id, entries] of kept) {
      const content = known.get(id);
      if (!content) {
        const newest = entries.reduce((a, b) => (a.receivedAt > b.receivedAt ? a : b));
        if (!this.#isYoung(newest)) findings.push(this.#about(uid, newest, 'store-only'));
      } else if (
        !entries.some(
          ({ key, size, sha256 }) => content.key === key && content.size === size && content.sha256 === sha256,
        )
      )
        findings.push(this.#about(uid, content, 'catalogue-differs'));
    }
    return findings;
  }

  /** By when its segment was written: what waited in the spool for days is committed now. */
  #isYoung({ writtenAt }: CheckedEntry): boolean {
    return this.#strayAgeMs > 0 && Date.parse(writtenAt) > Date.now() - this.#strayAgeMs;
  }

  async #contentsNow(study: ComparedStudy): Promise<Set<string>> {
    const { manifests } = await this.#reader.list(study.path);
    const contents = new Set<string>();
    for (const key of manifests)
      for (const entry of (await this.#reader.segment(key, study.path)).entries) contents.add(contentId(entry));
    return contents;
  }

  #about(
    studyInstanceUID: string,
    { key, sopInstanceUID }: { key: string; sopInstanceUID: string },
    kind: FindingKind,
  ): Finding {
    const texts: Partial<Record<FindingKind, string>> = {
      'catalogue-only': `no manifest below ${manifestPrefix(studyInstanceUID)} names this instance; the catalogue shows it`,
      'store-only': 'the catalogue does not show this instance: run `lifeboat rebuild --keep`',
      'catalogue-differs': 'the catalogue tells of another key, size or hash than the manifest: run `lifeboat rebuild`',
    };
    return { kind, key, studyInstanceUID, sopInstanceUID, text: texts[kind]! };
  }
}
