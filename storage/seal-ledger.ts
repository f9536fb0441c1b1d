import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { LifeboatError } from '../contract/errors.ts';
import { GrowingTree } from './seal-tree.ts';

export interface LedgerHead {
  sequence: number;
  /** SHA-256 of the seal's bytes. */
  sha256: string;
  createdAt: string;
}

/**
 * What this router has sealed: leaves, segments read, and copies of its seals. A cache of the store, except that it also
 * remembers how far the chain went when somebody removes its end.
 */
export class SealLedger {
  tree: GrowingTree;
  readonly #db: DatabaseSync;
  readonly #addLeaf: StatementSync;
  readonly #addSegment: StatementSync;
  readonly #hasSegment: StatementSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file);
    this.#db.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 200;
      create table if not exists leaf (hash blob primary key) without rowid;
      create table if not exists segment (key text primary key) without rowid;
      create table if not exists seal (sequence integer primary key, json blob not null, signature blob not null,
        sha256 text not null, created_at text not null, tree text not null);`);
    this.#addLeaf = this.#db.prepare('insert or ignore into leaf values (?)');
    this.#addSegment = this.#db.prepare('insert or ignore into segment values (?)');
    this.#hasSegment = this.#db.prepare('select 1 from segment where key = ?');
    this.tree = this.#savedTree();
  }

  head(): LedgerHead | null {
    const row = this.#db.prepare('select sequence, sha256, created_at from seal order by sequence desc limit 1').get();
    return row
      ? { sequence: Number(row['sequence']), sha256: String(row['sha256']), createdAt: String(row['created_at']) }
      : null;
  }

  copyOf(sequence: number): { json: Buffer; signature: Buffer; sha256: string } | null {
    const row = this.#db.prepare('select json, signature, sha256 from seal where sequence = ?').get(sequence);
    if (!row) return null;
    const bytes = (name: string) => Buffer.from(row[name] as Uint8Array);
    return { json: bytes('json'), signature: bytes('signature'), sha256: String(row['sha256']) };
  }

  /** @throws CONFLICT while another process seals */
  begin(): void {
    try {
      this.#db.exec('begin immediate');
    } catch (error) {
      throw new LifeboatError('CONFLICT', 'Another process is sealing this archive.', { cause: error });
    }
    this.tree = this.#savedTree();
  }

  /** False when the leaf was there already; otherwise the tree has grown by it. */
  add(hash: Buffer): boolean {
    if (this.#addLeaf.run(hash).changes === 0) return false;
    this.tree.append(hash);
    return true;
  }

  knowsSegment(key: string): boolean {
    return this.#hasSegment.get(key) !== undefined;
  }

  addSegment(key: string): void {
    this.#addSegment.run(key);
  }

  commit(sequence: number, seal: { json: Buffer; signature: Buffer; sha256: string; createdAt: string }): void {
    this.#db
      .prepare('insert into seal values (?, ?, ?, ?, ?, ?)')
      .run(sequence, seal.json, seal.signature, seal.sha256, seal.createdAt, this.tree.state());
    this.#db.exec('commit');
  }

  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('rollback');
    this.tree = this.#savedTree();
  }

  close(): void {
    this.#db.close();
  }

  #savedTree(): GrowingTree {
    const row = this.#db.prepare('select tree from seal order by sequence desc limit 1').get();
    return row ? GrowingTree.from(String(row['tree'])) : new GrowingTree();
  }
}
