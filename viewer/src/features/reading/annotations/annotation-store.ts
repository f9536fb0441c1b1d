import type { Measurement } from '../viewport/measurements.ts';

const mostSteps = 200;

/** What the reader has measured and marked, of all open studies; every change can be taken back. */
export class AnnotationStore {
  #list: readonly Measurement[] = [];
  #keyImages: ReadonlySet<string> = new Set();
  #keptKeyImages: ReadonlySet<string> = new Set();
  readonly #undo: { list: readonly Measurement[]; keyImages: ReadonlySet<string> }[] = [];
  readonly #redo: { list: readonly Measurement[]; keyImages: ReadonlySet<string> }[] = [];
  readonly #listeners = new Set<() => void>();
  #next = 1;
  version = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get list(): readonly Measurement[] {
    return this.#list;
  }

  /** Ids of the pictures that are marked as key images. */
  get keyImages(): ReadonlySet<string> {
    return this.#keyImages;
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }

  get canRedo(): boolean {
    return this.#redo.length > 0;
  }

  /** From here on all changes are one step back, until the next call. */
  checkpoint(): void {
    const last = this.#undo.at(-1);
    if (last && this.#same(last)) return;
    this.#undo.push({ list: this.#list, keyImages: this.#keyImages });
    if (this.#undo.length > mostSteps) this.#undo.shift();
  }

  /** What was begun is over: a step in which nothing changed is none. */
  settle(): void {
    const last = this.#undo.at(-1);
    if (!last) return;
    if (this.#same(last)) this.#undo.pop();
    else this.#redo.length = 0;
    this.#changed();
  }

  add(measurement: Omit<Measurement, 'id'>): Measurement {
    const made = { ...measurement, id: this.#next++ };
    this.#list = [...this.#list, made];
    this.#changed();
    return made;
  }

  /** Adds what was kept as DICOM before; no step to take back. */
  load(measurements: readonly Omit<Measurement, 'id'>[], keyImages: readonly string[]): void {
    const byUid = new Map(measurements.map((measurement) => [measurement.uid, measurement]));
    const known = new Set(this.#list.map(({ uid }) => uid).filter(Boolean));
    const fresh = measurements
      .filter(({ uid }) => !uid || !known.has(uid))
      .map((measurement) => ({ ...measurement, id: this.#next++ }));
    // What was kept anew meanwhile counts, unless the reader is changing it right now.
    const renewed = this.#list.map((one) => {
      const newer = one.uid && one.kept ? byUid.get(one.uid) : undefined;
      return newer && (newer.keptAt ?? '') > (one.keptAt ?? '') ? { ...newer, id: one.id } : one;
    });
    this.#list = [...renewed, ...fresh];
    this.#keyImages = new Set([...this.#keyImages, ...keyImages]);
    this.#keptKeyImages = new Set([...this.#keptKeyImages, ...keyImages]);
    this.#changed();
  }

  /** These are in the archive now. */
  setKept(ids: ReadonlySet<number>, keyImages: readonly string[]): void {
    this.#list = this.#list.map((one) => (ids.has(one.id) ? { ...one, kept: true } : one));
    this.#keptKeyImages = new Set([...this.#keptKeyImages, ...keyImages]);
    this.#changed();
  }

  isKeptKeyImage(pictureId: string): boolean {
    return this.#keptKeyImages.has(pictureId);
  }

  /** Measurements and marks that are not in the archive yet. */
  get unkept(): number {
    const measured = this.#list.filter(({ kept }) => !kept).length;
    return measured + [...this.#keyImages].filter((id) => !this.#keptKeyImages.has(id)).length;
  }

  change(id: number, change: Partial<Omit<Measurement, 'id'>>): void {
    this.#list = this.#list.map((one) => (one.id === id ? { ...one, kept: false, ...change } : one));
    this.#changed();
  }

  keep(wanted: (measurement: Measurement) => boolean): void {
    this.#list = this.#list.filter(wanted);
    this.#changed();
  }

  toggleKeyImage(pictureId: string): void {
    this.checkpoint();
    const next = new Set(this.#keyImages);
    if (!next.delete(pictureId)) next.add(pictureId);
    this.#keyImages = next;
    this.settle();
  }

  undo(): void {
    const before = this.#undo.pop();
    if (!before) return;
    this.#redo.push({ list: this.#list, keyImages: this.#keyImages });
    this.#restore(before);
  }

  redo(): void {
    const after = this.#redo.pop();
    if (!after) return;
    this.#undo.push({ list: this.#list, keyImages: this.#keyImages });
    this.#restore(after);
  }

  #restore(state: { list: readonly Measurement[]; keyImages: ReadonlySet<string> }): void {
    this.#list = state.list;
    this.#keyImages = state.keyImages;
    this.#changed();
  }

  #same(state: { list: readonly Measurement[]; keyImages: ReadonlySet<string> }): boolean {
    const { list, keyImages } = state;
    if (keyImages !== this.#keyImages || list.length !== this.#list.length) return false;
    return list.every((one, i) => one === this.#list[i]);
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
