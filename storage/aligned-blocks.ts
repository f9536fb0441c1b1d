declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** Bytes of one block; a multiple of every disk's sector and of the page size. */
export const ALIGNED_BLOCK_BYTES = 128 * 1024;

const WASM_PAGE_BYTES = 64 * 1024;
const BLOCKS_PER_ARENA = 32;
const free: Buffer[] = [];

/**
 * A block whose memory starts at a page boundary, as writing past the page cache (open(2), O_DIRECT) demands. Node's own
 * buffers promise no alignment; the memory of a WebAssembly instance does. Contents are undefined.
 */
export function takeAlignedBlock(): Buffer {
  if (free.length === 0) addArena();
  return free.pop()!;
}

export function giveAlignedBlock(block: Buffer): void {
  free.push(block);
}

function addArena(): void {
  const pages = (BLOCKS_PER_ARENA * ALIGNED_BLOCK_BYTES) / WASM_PAGE_BYTES;
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  for (let i = BLOCKS_PER_ARENA - 1; i >= 0; i--) {
    free.push(Buffer.from(buffer, i * ALIGNED_BLOCK_BYTES, ALIGNED_BLOCK_BYTES));
  }
}
