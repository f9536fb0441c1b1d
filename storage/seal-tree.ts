import { createHash } from 'node:crypto';

/** RFC 6962 2.1: the hash of a leaf is SHA-256 of 0x00 and its bytes. */
export function leafHash(leaf: string | Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(leaf).digest();
}

/** RFC 6962 2.1: the hash of a node is SHA-256 of 0x01 and the hashes of its children. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Root and size of a Merkle tree that only grows: the roots of its perfect subtrees, larger ones first, are all it keeps. */
export class GrowingTree {
  #size = 0;
  #subtrees: { leaves: number; hash: Buffer }[] = [];

  /** Goes on from `state()`. */
  static from(state: string): GrowingTree {
    const tree = new GrowingTree();
    const { size, subtrees } = JSON.parse(state) as { size: number; subtrees: [number, string][] };
    tree.#size = size;
    tree.#subtrees = subtrees.map(([leaves, hash]) => ({ leaves, hash: Buffer.from(hash, 'hex') }));
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  append(hash: Buffer): void {
    let grown = { leaves: 1, hash };
    while (this.#subtrees.at(-1)?.leaves === grown.leaves) {
      const left = this.#subtrees.pop()!;
      grown = { leaves: left.leaves * 2, hash: nodeHash(left.hash, grown.hash) };
    }
    this.#subtrees.push(grown);
    this.#size++;
  }

  /** Lower-case hex. The tree without leaves has the hash of nothing (RFC 6962 2.1). */
  root(): string {
    const last = this.#subtrees.at(-1);
    if (!last) return createHash('sha256').digest('hex');
    let root = last.hash;
    for (const { hash } of this.#subtrees.slice(0, -1).reverse()) root = nodeHash(hash, root);
    return root.toString('hex');
  }

  state(): string {
    return JSON.stringify({
      size: this.#size,
      subtrees: this.#subtrees.map(({ leaves, hash }) => [leaves, hash.toString('hex')]),
    });
  }
}
