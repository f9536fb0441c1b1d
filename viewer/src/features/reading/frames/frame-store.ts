import type { InstanceManifest, StudyManifest } from '../../../../../storage/format/manifest.ts';
import { decodeNative, hasNativeFrames } from '../decode/decode.ts';
import { type DecodedFrame, decodedBytes, type Palette, type PixelFormat } from '../decode/decode-types.ts';
import { readFrame } from '../decode/frame-bytes.ts';
import { needsPalette, paletteOf } from '../decode/lookup-table.ts';
import { pixelFormatOf } from '../decode/pixel-format.ts';
import type { Picture } from '../study/study-model.ts';
import type { Inflated } from './inflate.ts';
import { LineSpeed } from './line-speed.ts';
import { FetchError, fetchRange } from './range-fetch.ts';
import { isWorthIt, type RenditionFrame, renditionFrameOf } from './rendition-frame.ts';

/** On the screen; in the list of series; likely to be wanted soon. */
export type Urgency = 'visible' | 'thumbnail' | 'prefetch';
const rank: Record<Urgency, number> = { visible: 2, thumbnail: 1, prefetch: 0 };

/** An object by whose address its bytes are fetched. */
type StoredObject = Pick<Picture, 'instance' | 'studyInstanceUID'>;
type Addressed = Pick<InstanceManifest, 'key' | 'url' | 'size'>;

interface Waiting {
  picture: Picture;
  urgency: Urgency;
  abort: AbortController;
  promise: Promise<DecodedFrame>;
  resolve: (frame: DecodedFrame) => void;
  reject: (error: Error) => void;
}

export interface FrameStoreOptions {
  /** Decoded bytes kept; the least recently used go first. */
  budgetBytes: number;
  /** Requests in flight. */
  concurrency: number;
  /** Fetches a study's manifest again, for new signed addresses. */
  refresh: (studyInstanceUID: string) => Promise<StudyManifest>;
  /** How fast the line is; one of its own when left out. */
  line?: LineSpeed;
  /** 'auto': renditions are read where the line is slow enough. Default. */
  renditions?: () => 'auto' | 'always' | 'never';
  /** Decodes a rendition's frame; the pool of workers when left out. */
  decodeRendition?: (bytes: Uint8Array, format: PixelFormat, sha256: string) => Promise<DecodedFrame>;
}

const bigEndian = '1.2.840.10008.1.2.2';
/** Palettes of the objects looked at last. */
const mostPalettes = 64;

/** Fetches frames by byte range, decodes them and keeps the recent ones. Visible pictures go before prefetched ones. */
export class FrameStore {
  readonly #options: FrameStoreOptions;
  readonly #line: LineSpeed;
  /** Packs, and frames in them, that were not what they should be: their originals are read. */
  readonly #badRenditions = new Set<string>();
  readonly #fromRendition = new WeakSet<DecodedFrame>();
  readonly #cache = new Map<string, DecodedFrame>();
  readonly #wanted = new Map<string, Waiting>();
  readonly #running = new Set<Waiting>();
  /** Of these: their bytes have come, a worker unpacks them. The line is free for others meanwhile. */
  readonly #unpacking = new Set<Waiting>();
  /** What each pane is likely to want, and what it shows. */
  readonly #plans = new Map<object, { current?: Picture; ahead: readonly Picture[] }>();
  readonly #urls = new Map<string, string>();
  readonly #palettes = new Map<string, Promise<Palette | undefined>>();
  readonly #inflated = new Map<string, Promise<Inflated>>();
  readonly #refreshes = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, string>();
  readonly #listeners = new Set<(id: string) => void>();
  #bytes = 0;

  constructor(options: FrameStoreOptions) {
    this.#options = options;
    this.#line = options.line ?? new LineSpeed();
  }

  /** Whether the picture that is kept was decoded from a lossless rendition instead of the object itself. */
  isFromRendition(id: string): boolean {
    const frame = this.#cache.get(id);
    return frame !== undefined && this.#fromRendition.has(frame);
  }

  /** The decoded frame when it is there already. */
  peek(picture: Picture): DecodedFrame | undefined {
    const frame = this.#cache.get(picture.id);
    if (frame) {
      this.#cache.delete(picture.id);
      this.#cache.set(picture.id, frame);
    }
    return frame;
  }

  has(id: string): boolean {
    return this.#cache.has(id);
  }

  /** Decoded bytes that are kept now. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** Why a picture could not be had when it was last tried; undefined when it could, or was not tried. */
  failureOf(id: string): string | undefined {
    return this.#failures.get(id);
  }

  /** Called with the picture's id whenever a frame has come in or could not be had. */
  subscribe(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The frame of a picture. Of those on the screen the one asked for last goes first: scrolling has moved on. */
  load(picture: Picture, urgency: Urgency = 'visible'): Promise<DecodedFrame> {
    return this.#want(picture, urgency);
  }

  /**
   * Replaces what is prefetched for one pane: these, in this order. The panes take turns, as far as the budget reaches; what no
   * pane wants any more is dropped, also where it is on its way.
   * @param owner the pane
   * @param current what it shows or waits for; an earlier one is urgent no longer
   */
  prefetch(ahead: readonly Picture[], owner: object = this, current?: Picture): void {
    const before = this.#plans.get(owner)?.current;
    if (ahead.length === 0 && !current) this.#plans.delete(owner);
    else this.#plans.set(owner, { ahead, ...(current && { current }) });
    if (before) this.#demote(before);
    const wanted = this.#plannedPictures();
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, waiting] of this.#wanted) if (waiting.urgency === 'prefetch' && !ids.has(id)) this.#drop(waiting);
    // The nearest last: they are then the last to be put out.
    for (const picture of wanted.toReversed()) this.peek(picture);
    for (const picture of wanted) {
      if (this.#cache.has(picture.id)) continue;
      const waiting = this.#wanted.get(picture.id);
      if (waiting?.urgency === 'prefetch' && !this.#running.has(waiting)) {
        this.#wanted.delete(picture.id);
        this.#wanted.set(picture.id, waiting);
      } else this.#want(picture, 'prefetch').catch(() => undefined);
    }
  }

  /** What the panes are likely to want, in turns, as far as the budget reaches. */
  #plannedPictures(): Picture[] {
    const plans = [...this.#plans.values()];
    const longest = Math.max(0, ...plans.map(({ ahead }) => ahead.length));
    const planned = new Map<string, Picture>();
    let budget = this.#options.budgetBytes * 0.8;
    for (const { current } of plans) if (current) budget -= this.#estimate(current);
    for (let i = 0; i < longest; i += 1)
      for (const { ahead } of plans) {
        const picture = ahead[i];
        if (!picture || planned.has(picture.id)) continue;
        budget -= this.#estimate(picture);
        if (budget < 0) return [...planned.values()];
        planned.set(picture.id, picture);
      }
    return [...planned.values()];
  }

  /** A picture that no pane shows any more is no more urgent than the others. */
  #demote({ id }: Picture): void {
    for (const { current } of this.#plans.values()) if (current?.id === id) return;
    const waiting = this.#wanted.get(id);
    if (waiting?.urgency === 'visible') waiting.urgency = 'prefetch';
  }

  #drop(waiting: Waiting): void {
    this.#wanted.delete(waiting.picture.id);
    waiting.abort.abort();
    waiting.reject(new DOMException('no longer wanted', 'AbortError'));
  }

  /** Bytes [start, end) of the picture's object. */
  async readBytes(picture: StoredObject, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    return await this.#readFrom(picture.instance, picture.studyInstanceUID, start, end, signal);
  }

  async #readFrom(
    object: Addressed,
    study: string,
    start: number,
    end: number,
    signal?: AbortSignal,
    uncached = false,
  ): Promise<Uint8Array> {
    const options = { uncached, ...(signal && { signal }) };
    const url = () => this.#urls.get(object.key) ?? object.url;
    const read = (address: string) => this.#line.measure(() => fetchRange(address, start, end, object.size, options));
    if (!url()) await this.#refresh(study);
    const address = url();
    if (!address) throw new FetchError(0, 'the store gave no address for it');
    try {
      return await read(address);
    } catch (error) {
      if (!(error instanceof FetchError) || (error.status !== 403 && error.status !== 401)) throw error;
      if (url() === address) await this.#refresh(study);
      return await read(url() ?? address);
    }
  }

  /** Bytes [start, end) of the picture's data set as its attributes count them: of a deflated one, inflated in its place. */
  async readData(picture: Picture, start: number, end: number): Promise<Uint8Array> {
    const { instance } = picture;
    if (instance.pixelData?.kind !== 'deflated') return await this.readBytes(picture, start, end);
    const { bytes } = await this.#inflate(picture);
    return bytes.slice(start - instance.dataSetOffset, end - instance.dataSetOffset);
  }

  #estimate(picture: Picture): number {
    const format = pixelFormatOf(picture.attributes, picture.instance.transferSyntaxUID, picture.instance.pixelData);
    const colour = format.samplesPerPixel > 1 || format.photometricInterpretation === 'PALETTE COLOR';
    return format.rows * format.columns * (colour ? 4 : Math.max(1, format.bitsAllocated / 8));
  }

  #want(picture: Picture, urgency: Urgency): Promise<DecodedFrame> {
    const ready = this.peek(picture);
    if (ready) return Promise.resolve(ready);
    const known = this.#wanted.get(picture.id);
    if (known) {
      if (rank[urgency] > rank[known.urgency]) known.urgency = urgency;
      if (urgency === 'visible' && !this.#running.has(known)) {
        this.#wanted.delete(picture.id);
        this.#wanted.set(picture.id, known);
      }
      return known.promise;
    }
    const { promise, resolve, reject } = Promise.withResolvers<DecodedFrame>();
    const abort = new AbortController();
    this.#wanted.set(picture.id, { picture, urgency, abort, promise, resolve, reject });
    this.#pump();
    return promise;
  }

  #pump(): void {
    const { concurrency } = this.#options;
    while (this.#running.size - Math.min(this.#unpacking.size, concurrency) < concurrency) {
      let next: Waiting | undefined;
      for (const waiting of this.#wanted.values()) {
        if (this.#running.has(waiting)) continue;
        const difference = next ? rank[waiting.urgency] - rank[next.urgency] : 1;
        if (difference > 0 || (difference === 0 && waiting.urgency === 'visible')) next = waiting;
      }
      if (!next) return;
      void this.#run(next);
    }
  }

  async #run(waiting: Waiting): Promise<void> {
    const { picture, abort } = waiting;
    this.#running.add(waiting);
    try {
      const frame = await this.#decode(waiting);
      this.#keep(picture.id, frame);
      this.#failures.delete(picture.id);
      waiting.resolve(frame);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      if (!abort.signal.aborted) this.#failures.set(picture.id, reason.message);
      waiting.reject(reason);
    } finally {
      this.#running.delete(waiting);
      this.#unpacking.delete(waiting);
      if (this.#wanted.get(picture.id) === waiting) this.#wanted.delete(picture.id);
      for (const listener of this.#listeners) listener(picture.id);
      this.#pump();
    }
  }

  #keep(id: string, frame: DecodedFrame): void {
    const before = this.#cache.get(id);
    if (before) this.#bytes -= decodedBytes(before);
    this.#cache.delete(id);
    this.#cache.set(id, frame);
    this.#bytes += decodedBytes(frame);
    for (const [oldest, old] of this.#cache) {
      if (this.#bytes <= this.#options.budgetBytes || oldest === id) break;
      this.#cache.delete(oldest);
      this.#bytes -= decodedBytes(old);
    }
  }

  async #decode(waiting: Waiting): Promise<DecodedFrame> {
    const { picture, urgency, abort } = waiting;
    const { signal } = abort;
    const { instance } = picture;
    const layout = instance.pixelData!;
    const format = pixelFormatOf(picture.attributes, instance.transferSyntaxUID, layout);
    if (needsPalette(picture)) format.palette = await this.#palette(picture);
    if (layout.kind === 'deflated') return await this.#decodeDeflated(picture, format);
    const rendition = renditionFrameOf(picture);
    if (rendition && this.#wantsRendition(rendition, urgency)) {
      const frame = await this.#decodeRendition(rendition, waiting, format);
      if (frame) return frame;
    }
    const read = (start: number, end: number) => this.readBytes(picture, start, end, signal);
    const bytes = await readFrame(layout, picture.frame, format, read);
    if (hasNativeFrames(layout, instance.transferSyntaxUID)) return decodeNative(bytes, format);
    signal.throwIfAborted();
    const { decodeInWorker } = await import('./decode-pool.ts');
    return await decodeInWorker(bytes, format);
  }

  #wantsRendition(rendition: RenditionFrame, urgency: Urgency): boolean {
    if (this.#badRenditions.has(rendition.pack.key) || this.#badRenditions.has(rendition.id)) return false;
    const wish = this.#options.renditions?.() ?? 'auto';
    return wish === 'auto' ? isWorthIt(rendition, this.#line, urgency === 'visible') : wish === 'always';
  }

  /** null when anything about it is not as it should be: then the object itself is read. */
  async #decodeRendition(
    { id, pack, start, end, sha256 }: RenditionFrame,
    waiting: Waiting,
    format: PixelFormat,
  ): Promise<DecodedFrame | null> {
    const { picture, abort } = waiting;
    const { signal } = abort;
    try {
      const bytes = await this.#readFrom(pack, picture.studyInstanceUID, start, end, signal, true);
      signal.throwIfAborted();
      this.#unpacking.add(waiting);
      this.#pump();
      const decode =
        this.#options.decodeRendition ??
        (async (...all) => {
          const { decodeInWorker } = await import('./decode-pool.ts');
          return await decodeInWorker(...all);
        });
      const frame = await decode(bytes, format, sha256);
      this.#line.codecReady = true;
      this.#fromRendition.add(frame);
      return frame;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#unpacking.delete(waiting);
      this.#badRenditions.add(error instanceof FetchError ? pack.key : id);
      console.warn(`a rendition is not used: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  #inflate(picture: Picture): Promise<Inflated> {
    const { key, size, dataSetOffset } = picture.instance;
    let opening = this.#inflated.get(key);
    if (!opening) {
      this.#inflated.clear();
      opening = (async () => {
        const { inflateDataSet } = await import('./inflate.ts');
        const object = await this.readBytes(picture, 0, size);
        return await inflateDataSet(object.subarray(dataSetOffset));
      })();
      this.#inflated.set(key, opening);
      opening.catch(() => this.#inflated.delete(key));
    }
    return opening;
  }

  async #decodeDeflated(picture: Picture, format: PixelFormat): Promise<DecodedFrame> {
    const { bytes, layout } = await this.#inflate(picture);
    const read = async (start: number, end: number) => bytes.subarray(start, end);
    return decodeNative(await readFrame(layout, picture.frame, format, read), format);
  }

  #palette(picture: Picture): Promise<Palette | undefined> {
    const { key, transferSyntaxUID } = picture.instance;
    let palette = this.#palettes.get(key);
    if (!palette) {
      palette = paletteOf(picture.attributes, transferSyntaxUID === bigEndian, (start, end) =>
        this.readData(picture, start, end),
      );
      if (this.#palettes.size >= mostPalettes) this.#palettes.delete(this.#palettes.keys().next().value!);
      this.#palettes.set(key, palette);
      palette.catch(() => this.#palettes.delete(key));
    }
    return palette;
  }

  async #refresh(study: string): Promise<void> {
    let refresh = this.#refreshes.get(study);
    if (!refresh) {
      refresh = this.#options
        .refresh(study)
        .then((manifest) => {
          for (const series of manifest.series)
            for (const { key, url, rendition } of series.instances) {
              if (url) this.#urls.set(key, url);
              if (rendition?.url) this.#urls.set(rendition.key, rendition.url);
            }
        })
        .finally(() => this.#refreshes.delete(study));
      this.#refreshes.set(study, refresh);
    }
    await refresh;
  }
}
