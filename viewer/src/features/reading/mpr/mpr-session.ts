import type { GrayFrame, GrayPixels } from '../decode/decode-types.ts';
import { frames } from '../frames/frames.ts';
import {
  type Grayscale,
  grayscaleOf,
  paddingOf,
  storedRangeOf,
  type Voi,
  voiFunctionOf,
  windowVoi,
} from '../paint/grayscale.ts';
import { numberOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { Picture } from '../study/study-model.ts';
import type { MprAnswer, MprRequest } from './mpr-worker.ts';
import type { Cut, VolumeValues } from './reslice.ts';
import { sameRescale, type VolumeGeometry } from './volume-geometry.ts';

/** The volume of one stack: fetches its slices, keeps them in a worker, and has cuts made of them. */
export class MprSession {
  readonly geometry: VolumeGeometry;
  readonly pictures: readonly Picture[];
  /** From the values of a cut to light. */
  grayscale: Grayscale;
  range: [number, number] = [0, 1];
  done = 0;
  failed = 0;
  problem = '';
  version = 0;
  readonly #worker = new Worker(new URL('./mpr-worker.ts', import.meta.url), { type: 'module' });
  readonly #waiting = new Map<number, (values: VolumeValues) => void>();
  readonly #listeners = new Set<() => void>();
  /** Settled with the first slice: what is asked before has no volume to be answered from. */
  readonly #opened = Promise.withResolvers<void>();
  #kind: 'Int16' | 'Uint16' | 'Float32' = 'Int16';
  /** Values are turned to modality values before they are kept, because slices differ in slope. */
  readonly #rescales: boolean;
  #next = 1;
  #stopped = false;
  #notice = 0;

  constructor(geometry: VolumeGeometry, pictures: readonly Picture[]) {
    this.geometry = geometry;
    this.pictures = pictures;
    this.#rescales = !sameRescale(pictures);
    const attributes = frameAttributesOf(pictures[0]!);
    this.grayscale = grayscaleOf(attributes, [0, 1]);
    if (this.#rescales) this.grayscale = { ...this.grayscale, slope: 1, intercept: 0 };
    this.#worker.addEventListener('message', ({ data }: MessageEvent<MprAnswer>) => {
      this.#waiting.get(data.id)?.(data.values);
      this.#waiting.delete(data.id);
    });
    void this.#fetch();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Values of a cut; those outside the volume are the least there are. */
  cut(cut: Cut): Promise<VolumeValues> {
    return this.#ask((id) => ({ kind: 'cut', id, cut, empty: this.empty }));
  }

  /** Whether every slice has come or is known not to come. */
  get settled(): boolean {
    return this.done + this.failed === this.pictures.length;
  }

  /** Least and greatest stored value of the slices that have come. */
  async valueRange(): Promise<[number, number]> {
    const [least = 0, greatest = 0] = await this.#ask((id) => ({ kind: 'range', id }));
    return [least, greatest];
  }

  /** Stored values of one layer of the volume on a coarser grid. */
  layer(layer: number, factor: readonly [number, number, number]): Promise<VolumeValues> {
    return this.#ask((id) => ({ kind: 'layer', id, layer, factor }));
  }

  /** Answered when the first slice is there, and never once the session is stopped. */
  async #ask(request: (id: number) => MprRequest): Promise<VolumeValues> {
    await this.#opened.promise;
    const id = this.#next++;
    return await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#post(request(id));
    });
  }

  /** What a cut holds where the volume has nothing. */
  get empty(): number {
    return this.#kind === 'Float32' ? -3.4e38 : this.#kind === 'Int16' ? -32768 : 0;
  }

  /** The window with which the original images are shown. */
  get ownVoi(): Voi {
    return this.grayscale.voi;
  }

  voiFor(center: number, width: number): Voi {
    return windowVoi(center, width, voiFunctionOf(frameAttributesOf(this.pictures[0]!)));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#notice);
    this.#worker.terminate();
    this.#waiting.clear();
  }

  #post(request: MprRequest, transfer: Transferable[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  /** Middle slices first: that is where the cross is. */
  async #fetch(): Promise<void> {
    const middle = (this.pictures.length - 1) / 2;
    const order = [...this.pictures.keys()].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    let opened = false;
    const one = async (k: number) => {
      try {
        const frame = await frames.load(this.pictures[k]!, 'thumbnail');
        if (this.#stopped) return;
        if (frame.kind !== 'gray') throw new Error('it is in colour');
        if (!opened) {
          opened = true;
          this.#open(frame);
        }
        const pixels = this.#valuesOf(frame, this.pictures[k]!);
        this.#post({ kind: 'slice', k, pixels }, [pixels.buffer]);
        this.done += 1;
      } catch (error) {
        this.failed += 1;
        this.problem = error instanceof Error ? error.message : String(error);
      }
      this.#changed();
    };
    for (let at = 0; at < order.length && !this.#stopped; at += 6) await Promise.all(order.slice(at, at + 6).map(one));
  }

  #open(frame: GrayFrame): void {
    const { pixels } = frame;
    const wide = pixels instanceof Int32Array || pixels instanceof Uint32Array || pixels instanceof Float64Array;
    if (this.#rescales || wide || pixels instanceof Float32Array) this.#kind = 'Float32';
    else this.#kind = pixels instanceof Uint16Array || pixels instanceof Uint8Array ? 'Uint16' : 'Int16';
    const attributes = frameAttributesOf(this.pictures[Math.floor(this.pictures.length / 2)]!);
    this.range = storedRangeOf(frame, paddingOf(attributes));
    const own = grayscaleOf(attributes, this.range);
    this.grayscale = this.#rescales ? { ...own, slope: 1, intercept: 0 } : own;
    this.#post({ kind: 'open', geometry: this.geometry, values: this.#kind });
    this.#opened.resolve();
  }

  #valuesOf({ pixels }: GrayFrame, picture: Picture): VolumeValues {
    if (!this.#rescales) return copyAs(this.#kind, pixels);
    const attributes = frameAttributesOf(picture);
    const slope = numberOf(attributes, '00281053') ?? 1;
    const intercept = numberOf(attributes, '00281052') ?? 0;
    return Float32Array.from(pixels, (value) => value * slope + intercept);
  }

  #changed(): void {
    if (this.#notice !== 0) return;
    this.#notice = window.setTimeout(() => {
      this.#notice = 0;
      this.version += 1;
      for (const listener of this.#listeners) listener();
    }, 150);
  }
}

function copyAs(kind: 'Int16' | 'Uint16' | 'Float32', pixels: GrayPixels): VolumeValues {
  if (kind === 'Float32') return Float32Array.from(pixels);
  return kind === 'Int16' ? Int16Array.from(pixels) : Uint16Array.from(pixels);
}
