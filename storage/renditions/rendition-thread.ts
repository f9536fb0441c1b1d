import { Worker } from 'node:worker_threads';
import type { FrameShape } from './frame-shape.ts';
import { NoRendition, type PackedFrame } from './pack-frame.ts';

export interface PackRequest {
  number: number;
  cells: Uint8Array;
  shape: FrameShape;
}
export type PackAnswer = { number: number; packed: PackedFrame } | { number: number; none: string };

/** Longest time for one frame. */
const PATIENCE_MS = 60_000;
/** The codec's memory never shrinks: a thread without work for so long ends. */
const IDLE_MS = 20_000;

/** Packs frames, one at a time, in a thread of low priority that is there only while there is work. */
export class RenditionThread {
  #thread: Worker | null = null;
  #number = 0;
  #idle: NodeJS.Timeout | null = null;
  #end: ((error: Error) => void) | null = null;

  /**
   * @param cells given away: they are not readable afterwards
   * @throws NoRendition, also when the thread died over it or took longer than a minute
   */
  async pack(cells: Uint8Array, shape: FrameShape): Promise<PackedFrame> {
    if (this.#idle) clearTimeout(this.#idle);
    const thread = this.#thread ?? this.#begin();
    const number = ++this.#number;
    const own = cells.byteLength === cells.buffer.byteLength ? cells : cells.slice();
    const { promise, resolve, reject } = Promise.withResolvers<PackedFrame>();
    this.#end = (error) => reject(error);
    const listen = (answer: PackAnswer) => {
      if (answer.number !== number) return;
      if ('packed' in answer) resolve(answer.packed);
      else reject(new NoRendition(answer.none));
    };
    thread.on('message', listen);
    const timer = setTimeout(() => {
      void this.close();
      reject(new NoRendition(`the codec took longer than ${PATIENCE_MS / 1000} s`));
    }, PATIENCE_MS);
    thread.postMessage({ number, cells: own, shape } satisfies PackRequest, [own.buffer as ArrayBuffer]);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      thread.off('message', listen);
      this.#end = null;
      this.#idle = setTimeout(() => void this.close(), IDLE_MS);
      this.#idle.unref();
    }
  }

  async close(): Promise<void> {
    if (this.#idle) clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }

  #begin(): Worker {
    const thread = new Worker(new URL('./rendition-worker.ts', import.meta.url));
    thread.unref();
    const ended = (error: Error) => {
      if (this.#thread === thread) this.#thread = null;
      this.#end?.(new NoRendition('the codec failed', { cause: error }));
    };
    thread.on('error', ended);
    thread.on('exit', (code) => ended(new Error(`the thread ended with code ${code}`)));
    this.#thread = thread;
    return thread;
  }
}
