import type { Measurement } from '../viewport/measurements.ts';

const mostSteps = 200;

interface Step {
  list: readonly Measurement[];
  keyImages: ReadonlySet<string>;
}

/** What the reader has measured and marked, of all open studies; every change can be taken back. */
export class AnnotationStore {
  #list: readonly Measurement[] = [];
  #keyImages: ReadonlySet<string> = new Set();
  #keptKeyImages: ReadonlySet<string> = new Set();
  /** What is in the archive, by its tracking UID. */
  readonly #kept = new Map<string, Measurement>();
  readonly #undo: Step[] = [];
  readonly #redo: Step[] = [];
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

  /**
   * Adds what was kept as DICOM before; no step to take back, and no step takes it away.
   * @param withdrawn tracking UIDs of what was erased after it had been kept
   */
  load(
    measurements: readonly Omit<Measurement, 'id'>[],
    keyImages: readonly string[],
    withdrawn: readonly { uid: string; keptAt: string }[] = [],
  ): void {
    const byUid = new Map(measurements.map((measurement) => [measurement.uid, measurement]));
    const gone = new Map(withdrawn.map(({ uid, keptAt }) => [uid, keptAt]));
    const known = new Set(this.#list.map(({ uid }) => uid).filter(Boolean));
    const fresh = measurements
      .filter(({ uid }) => !uid || !(known.has(uid) || this.#kept.has(uid)))
      .map((measurement) => ({ ...measurement, id: this.#next++ }));
    for (const one of fresh) if (one.uid) this.#kept.set(one.uid, one);
    // What was kept anew or withdrawn meanwhile counts, unless the reader is changing it right now.
    const renewed = this.#list.flatMap((one) => {
      if (!one.uid || !one.kept) return [one];
      if ((gone.get(one.uid) ?? '') > (one.keptAt ?? '')) {
        this.#kept.delete(one.uid);
        return [];
      }
      const newer = byUid.get(one.uid);
      return newer && (newer.keptAt ?? '') > (one.keptAt ?? '') ? [{ ...newer, id: one.id }] : [one];
    });
    this.#list = [...renewed, ...fresh];
    this.#keyImages = new Set([...this.#keyImages, ...keyImages]);
    this.#keptKeyImages = new Set([...this.#keptKeyImages, ...keyImages]);
    for (const step of [...this.#undo, ...this.#redo]) {
      step.list = [...step.list, ...fresh];
      step.keyImages = new Set([...step.keyImages, ...keyImages]);
    }
    this.#changed();
  }

  /**
   * These are in the archive now.
   * @param withdrawn tracking UIDs of what was erased there
   * @param keyImages of the pictures `of`
   */
  setKept(
    ids: ReadonlySet<number>,
    withdrawn: readonly string[],
    keyImages: ReadonlySet<string>,
    of: (pictureId: string) => boolean,
  ): void {
    this.#list = this.#list.map((one) => (ids.has(one.id) ? { ...one, kept: true } : one));
    for (const one of this.#list) if (one.kept && one.uid) this.#kept.set(one.uid, one);
    for (const uid of withdrawn) this.#kept.delete(uid);
    this.#keptKeyImages = new Set([...[...this.#keptKeyImages].filter((id) => !of(id)), ...keyImages]);
    this.#changed();
  }

  isKeptKeyImage(pictureId: string): boolean {
    return this.#keptKeyImages.has(pictureId);
  }

  /** Pictures that were key images in the archive and are none any more. */
  get unmarked(): string[] {
    return [...this.#keptKeyImages].filter((id) => !this.#keyImages.has(id));
  }

  /** What is in the archive and was erased here. */
  get withdrawn(): Measurement[] {
    const here = new Set(this.#list.map(({ uid }) => uid));
    return [...this.#kept.values()].filter(({ uid }) => !here.has(uid));
  }

  /** Changes that are not in the archive yet: measurements, marks, and what was erased. */
  get unkept(): number {
    const measured = this.#list.filter(({ kept }) => !kept).length;
    const marked = [...this.#keyImages].filter((id) => !this.#keptKeyImages.has(id)).length;
    return measured + marked + this.withdrawn.length + this.unmarked.length;
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

  #restore(state: Step): void {
    this.#list = state.list;
    this.#keyImages = state.keyImages;
    this.#changed();
  }

  #same(state: Step): boolean {
    const { list, keyImages } = state;
    if (keyImages !== this.#keyImages || list.length !== this.#list.length) return false;
    return list.every((one, i) => one === this.#list[i]);
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
