import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { studyPath } from './keys.ts';
import { contentId } from './merge.ts';
import { type ChainOptions, checkChains, lateBefore, type SealChain } from './seal-chain.ts';
import { leafLine, leafShape } from './seal-types.ts';
import type { CheckedEntry } from './verify-segments.ts';
import type { VerifiedStudy } from './verify-study.ts';
import type { Finding, FindingKind } from './verify-types.ts';

type Leaf = ReturnType<typeof leafShape.parse>;

/**
 * Compares an archive with its seals. First the chains (`findings`), then study by study what the manifests say with what was
 * sealed (`compare`, for `verify`), at the end what nobody named (`rest`). Leaves wait in a temporary file, not in memory.
 */
export class SealAudit {
  readonly chains: SealChain[];
  /** Instances that no seal has yet: what came since the newest one. */
  unsealed = 0;
  sealed = 0;
  readonly #db: DatabaseSync;
  readonly #folder: string;
  readonly #ofPath: StatementSync;
  readonly #seen: StatementSync;
  readonly #newestSealAt: string;

  private constructor(chains: SealChain[], db: DatabaseSync, folder: string) {
    this.chains = chains;
    this.#db = db;
    this.#folder = folder;
    this.#ofPath = db.prepare('select line, day from leaf where path = ?');
    this.#seen = db.prepare('update leaf set seen = 1 where path = ?');
    const times = chains.flatMap(({ newest }) => (newest ? [newest.createdAt] : []));
    this.#newestSealAt = times.sort().at(-1) ?? '';
  }

  /** Throws STORE_UNAVAILABLE, BAD_REQUEST (no public key). */
  static async open(options: Omit<ChainOptions, 'onLeaf'>): Promise<SealAudit> {
    const folder = mkdtempSync(join(tmpdir(), 'lifeboat-seals-'));
    const db = new DatabaseSync(join(folder, 'leaves.sqlite'));
    try {
      db.exec(`pragma journal_mode = off; pragma synchronous = off;
        create table leaf (path text not null, line text not null, day text not null, seen integer not null default 0);
        begin`);
      const add = db.prepare('insert into leaf (path, line, day) values (?, ?, ?)');
      const chains = await checkChains({
        ...options,
        onLeaf: (line, { day }) => add.run(pathOf(line), line, day),
      });
      db.exec('commit; create index leaf_by_path on leaf (path)');
      return new SealAudit(chains, db, folder);
    } catch (error) {
      db.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get findings(): Finding[] {
    return this.chains.flatMap(({ findings }) => findings);
  }

  /** What the manifests of a study say against what was sealed of it. */
  compare(study: Pick<VerifiedStudy, 'path' | 'entries' | 'removed'>): Finding[] {
    const findings: Finding[] = [];
    const lines = new Map(study.entries.map((entry) => [leafLine(entry), entry]));
    const byContent = new Map(study.entries.map((entry) => [contentId(entry), entry]));
    const sealed = new Set<string>();
    for (const row of this.#ofPath.all(study.path)) {
      const line = String(row['line']);
      const isNew = !sealed.has(line);
      sealed.add(line);
      if (!isNew || lines.has(line)) continue;
      findings.push(removedFinding(line, study.removed) ?? this.#unlike(line, String(row['day']), byContent));
    }
    this.#seen.run(study.path);
    this.sealed += sealed.size;
    for (const [line, entry] of lines) if (!sealed.has(line)) findings.push(...this.#notSealed(entry));
    return findings;
  }

  /** Sealed instances of studies of which nothing is left. */
  *rest(): Generator<Finding> {
    for (const row of this.#db.prepare('select distinct line, day from leaf where seen = 0 order by path').iterate())
      yield this.#unlike(String(row['line']), String(row['day']), new Map());
  }

  close(): void {
    this.#db.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #unlike(line: string, day: string, byContent: Map<string, CheckedEntry>): Finding {
    const leaf = parseLeaf(line);
    if (!leaf)
      return { kind: 'seal-damaged', key: '', text: `a leaf sealed on ${day} is not one: ${line.slice(0, 100)}` };
    const now = byContent.get(contentId(leaf));
    if (!now) return about(leaf, 'sealed-missing', `sealed on ${day}; no readable manifest names it`);
    const members = ['seriesInstanceUID', 'key', 'size', 'sha256', 'receivedAt'] as const;
    const differing = members.filter((member) => leaf[member] !== now[member]);
    const words = differing.map((member) => `${member} ${leaf[member]} is now ${now[member]}`).join('; ');
    return about(leaf, 'sealed-changed', `sealed on ${day}; ${words}`);
  }

  #notSealed(entry: CheckedEntry): Finding[] {
    this.unsealed++;
    if (!this.#newestSealAt) return [];
    const limit = lateBefore(this.#newestSealAt);
    const seal = `the newest seal is of ${this.#newestSealAt} and does not have it`;
    if (entry.writtenAt < limit)
      return [about(entry, 'seal-back-dated', `its manifest says it was written at ${entry.writtenAt}; ${seal}`)];
    if (entry.receivedAt < limit)
      return [about(entry, 'seal-late', `it says it was received at ${entry.receivedAt}; ${seal}`)];
    return [];
  }
}

/** What a signed removal record names is not missing. */
function removedFinding(line: string, removed: VerifiedStudy['removed']): Finding | null {
  const leaf = parseLeaf(line);
  const record = leaf && removed?.contents.get(contentId(leaf));
  if (!record) return null;
  return about(
    leaf,
    'sealed-removed',
    `removed on ${record.createdAt} by ${record.by} (${record.rule}): ${record.because}`,
  );
}

function about(
  { key, studyInstanceUID, sopInstanceUID }: Leaf | CheckedEntry,
  kind: FindingKind,
  text: string,
): Finding {
  return { kind, key, studyInstanceUID, sopInstanceUID, text };
}

function parseLeaf(line: string): Leaf | null {
  try {
    return leafShape.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function pathOf(line: string): string {
  const leaf = parseLeaf(line);
  return leaf ? `${studyPath(leaf.studyInstanceUID)}/` : '';
}
