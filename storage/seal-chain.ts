import type { KeyObject } from 'node:crypto';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from './object-store.ts';
import { keyIdOf, readPublicKey } from './seal-key.ts';
import { isSignedBy, listSeals, readLeaves, readSeal, type SealObject } from './seal-read.ts';
import { GrowingTree, leafHash } from './seal-tree.ts';
import { CLOCK_MARGIN_MS, SEALS, sealKeys } from './seal-types.ts';
import type { Finding, FindingKind } from './verify-types.ts';

/** A seal that an auditor wrote down earlier, to see that the chain still has it. */
export interface KnownSeal {
  sequence: number;
  sha256: string;
}

export interface ChainOptions {
  store: ObjectStore;
  /** PEM; only what this key signed counts then, and it must have signed something. */
  publicKey?: string;
  known?: KnownSeal;
  now?: () => Date;
  /** Every sealed leaf, in order. */
  onLeaf(line: string, seal: SealObject['seal']): void;
}

export interface SealChain {
  keyId: string;
  seals: number;
  newest: { sequence: number; day: string; createdAt: string; sha256: string; treeSize: number } | null;
  findings: Finding[];
}

const OLD_MS = 48 * 3_600_000;

/**
 * Checks the chains of seals in a store, each with its public key alone: signatures, order, links, lists and roots. Throws
 * STORE_UNAVAILABLE (what could not be read is then not known to be right) and BAD_REQUEST (the key is none).
 */
export async function checkChains(options: ChainOptions): Promise<SealChain[]> {
  const listed = await listSeals(options.store);
  const given = options.publicKey === undefined ? undefined : readPublicKey(options.publicKey);
  const expected = given && keyIdOf(given);
  const chains: SealChain[] = [];
  const read = new Map<string, Map<number, SealObject>>();
  for (const [keyId, sequences] of listed) {
    if (expected !== undefined && keyId !== expected) continue;
    const check = new ChainCheck(options, keyId);
    chains.push(await check.run(sequences, given));
    read.set(keyId, check.read);
  }
  if (expected === undefined && chains.length === 0)
    chains.push(
      emptyChain('', {
        kind: 'seal-missing',
        key: SEALS,
        text: 'nothing in this store was ever sealed, or every seal was removed',
      }),
    );
  if (expected !== undefined && !chains.some(({ seals }) => seals > 0)) {
    const others = [...listed.keys()].filter((keyId) => keyId !== expected);
    const text = `nothing in this store was sealed by the key ${expected}${others.length > 0 ? `; there are seals by ${others.join(', ')}` : ''}`;
    chains.push(emptyChain(expected, { kind: 'seal-key', key: sealKeys(expected).folder, text }));
  }
  checkWitnesses(chains, read);
  return chains;
}

function emptyChain(keyId: string, ...findings: Finding[]): SealChain {
  return { keyId, seals: 0, newest: null, findings };
}

class ChainCheck {
  readonly read = new Map<number, SealObject>();
  readonly #options: ChainOptions;
  readonly #keys: ReturnType<typeof sealKeys>;
  readonly #chain: SealChain;
  readonly #tree = new GrowingTree();
  /** False once a list of leaves is lost: later roots cannot be computed then. */
  #treeWhole = true;

  constructor(options: ChainOptions, keyId: string) {
    this.#options = options;
    this.#keys = sealKeys(keyId);
    this.#chain = emptyChain(keyId);
  }

  async run(sequences: number[], given: KeyObject | undefined): Promise<SealChain> {
    const publicKey = await this.#publicKey(given);
    const last = Math.max(0, ...sequences);
    let before: SealObject | null = null;
    for (let sequence = 1; sequence <= last; sequence++) {
      const seal: SealObject | null = await this.#readOne(sequence, sequences.includes(sequence));
      if (!seal) {
        this.#treeWhole = false;
        before = null;
        continue;
      }
      this.read.set(sequence, seal);
      this.#chain.seals++;
      if (publicKey && !isSignedBy(seal, publicKey))
        this.#found('seal-signature', sequence, 'its signature is missing or not by its key');
      this.#follows(seal, before, sequence === 1);
      await this.#leaves(seal, before);
      before = seal;
    }
    this.#newest(before);
    return this.#chain;
  }

  #found(kind: FindingKind, sequence: number, text: string): void {
    this.#chain.findings.push({ kind, key: this.#keys.seal(sequence), text });
  }

  /** The key given by the auditor counts; the one in the store must be the same, and have the name it stands under. */
  async #publicKey(given: KeyObject | undefined): Promise<KeyObject | null> {
    const { publicKey: key } = this.#keys;
    const wrong = (text: string) => {
      this.#chain.findings.push({ kind: 'seal-key', key, text });
      return given ?? null;
    };
    let pem: Buffer;
    try {
      pem = await this.#options.store.get(key);
    } catch (error) {
      if (asLifeboatError(error).code !== 'OBJECT_NOT_FOUND') throw error;
      return wrong('the public key of these seals is gone');
    }
    try {
      const kept = readPublicKey(pem);
      if (keyIdOf(kept) === this.#chain.keyId) return given ?? kept;
      return wrong(`this key is ${keyIdOf(kept)}: it was replaced`);
    } catch (error) {
      return wrong(asLifeboatError(error).message);
    }
  }

  async #readOne(sequence: number, listed: boolean): Promise<SealObject | null> {
    try {
      if (listed) return await readSeal(this.#options.store, this.#chain.keyId, sequence);
      this.#found('seal-missing', sequence, 'this seal is gone, later ones are there');
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code === 'OBJECT_NOT_FOUND') this.#found('seal-missing', sequence, 'this seal is gone');
      else if (error.code === 'OBJECT_DAMAGED') this.#found('seal-damaged', sequence, error.message);
      else throw error;
    }
    return null;
  }

  #follows({ seal }: SealObject, before: SealObject | null, isFirst: boolean): void {
    const { sequence, createdAt, previous, treeSize, added } = seal;
    if (isFirst && previous !== null) this.#found('seal-chain', sequence, 'the first seal names one before it');
    if (!before) return;
    if (previous !== before.sha256)
      this.#found('seal-chain', sequence, 'the seal before is not the one that this one was chained to');
    if (treeSize !== before.seal.treeSize + added)
      this.#found('seal-chain', sequence, `${before.seal.treeSize} leaves and ${added} more are not ${treeSize}`);
    if (createdAt <= before.seal.createdAt)
      this.#found(
        'seal-clock',
        sequence,
        `the clock said ${createdAt}, after ${before.seal.createdAt} at the seal before`,
      );
  }

  async #leaves({ seal }: SealObject, before: SealObject | null): Promise<void> {
    const { sequence, createdAt } = seal;
    const limit = before && createdAt > before.seal.createdAt ? lateBefore(before.seal.createdAt) : '';
    let late = 0;
    try {
      let count = 0;
      for (const list of seal.leaves) {
        if (!list.key.startsWith(this.#keys.folder)) throw new LifeboatError('OBJECT_DAMAGED', `: ${list.key}`);
        for (const line of await readLeaves(this.#options.store, list)) {
          this.#tree.append(leafHash(line));
          this.#options.onLeaf(line, seal);
          if (limit && receivedAtOf(line) < limit) late++;
          count++;
        }
      }
      if (count !== seal.added) throw new LifeboatError('OBJECT_DAMAGED', `: ${count} leaves of ${seal.added}`);
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (error.code !== 'OBJECT_DAMAGED' && error.code !== 'OBJECT_NOT_FOUND') throw error;
      this.#treeWhole = false;
      this.#found('seal-damaged', seal.sequence, `its list of leaves: ${error.message}`);
    }
    if (late > 0)
      this.#found(
        'seal-late',
        sequence,
        `${late} of its ${seal.added} instances say they were received before the seal before: they came late`,
      );
    if (this.#treeWhole && this.#tree.root() !== seal.rootHash)
      this.#found(
        'seal-damaged',
        seal.sequence,
        `its leaves give the root ${this.#tree.root()}, it says ${seal.rootHash}`,
      );
  }

  #newest(last: SealObject | null): void {
    const { known } = this.#options;
    if (known && this.read.get(known.sequence)?.sha256 !== known.sha256)
      this.#found(
        'seal-missing',
        known.sequence,
        'the seal that was written down earlier is gone or is another one: the end of the chain was cut off or replaced',
      );
    if (!last) return;
    const { sequence, day, createdAt, treeSize } = last.seal;
    this.#chain.newest = { sequence, day, createdAt, treeSize, sha256: last.sha256 };
    const now = (this.#options.now ?? (() => new Date()))();
    if (Date.parse(createdAt) < now.getTime() - OLD_MS)
      this.#found('seal-old', sequence, `the newest seal is of ${createdAt}; later ones may have been removed`);
  }
}

/** Routers write down each other's newest seal, so that the end of a chain cannot be cut off unseen. */
function checkWitnesses(chains: SealChain[], read: Map<string, Map<number, SealObject>>): void {
  for (const seals of read.values()) {
    for (const { seal } of seals.values()) {
      for (const { keyId, sequence, sha256 } of seal.others) {
        const chain = chains.find((one) => one.keyId === keyId);
        if (!chain || read.get(keyId)?.get(sequence)?.sha256 === sha256) continue;
        const key = sealKeys(keyId).seal(sequence);
        if (chain.findings.some((finding) => finding.kind === 'seal-missing' && finding.key === key)) continue;
        const text = `seal ${seal.sequence} of ${seal.keyId} has seen this seal; it is gone or is another one`;
        chain.findings.push({ kind: 'seal-missing', key, text });
      }
    }
  }
}

/** Of a leaf that is none, which is told elsewhere, a time that is never late. */
function receivedAtOf(line: string): string {
  return /"receivedAt":"([^"]*)"}$/.exec(line)?.[1] ?? '~';
}

/** A leaf that says it was received so long before the seal before its own came late. */
export function lateBefore(previousCreatedAt: string): string {
  return new Date(Date.parse(previousCreatedAt) - CLOCK_MARGIN_MS).toISOString();
}
