import { newUid } from '../../../shared/new-uid.ts';
import type { AnnotationStore } from '../annotations/annotation-store.ts';
import type { Point } from '../study/point.ts';
import type { Picture } from '../study/study-model.ts';
import { type Measurement, type MeasurementKind, pointsOf } from './measurements.ts';

/** What is measured and marked in the picture that a pane shows. */
export class Measuring {
  /** The measurement whose text is being written, or null. */
  writing: number | null = null;
  readonly #annotations: AnnotationStore;
  readonly #shown: () => Picture | null;
  readonly #changed: () => void;

  /** @param shown what is on the screen @param changed called when `writing` is another one */
  constructor(annotations: AnnotationStore, shown: () => Picture | null, changed: () => void) {
    this.#annotations = annotations;
    this.#shown = shown;
    this.#changed = changed;
  }

  add(kind: MeasurementKind, points: Point[]): Measurement | null {
    const picture = this.#shown();
    return picture ? this.#annotations.add({ pictureId: picture.id, kind, points, uid: newUid() }) : null;
  }

  change(id: number, points: Point[]): void {
    this.#annotations.change(id, { points });
  }

  /** Opens (or closes) the line in which the text of a measurement is written. */
  write(id: number | null): void {
    this.writing = id;
    this.#changed();
  }

  /** Erases what is measured in the picture on the screen. */
  erase(): void {
    const id = this.#shown()?.id;
    this.#annotations.checkpoint();
    this.#annotations.keep(({ pictureId }) => pictureId !== id);
    this.#annotations.settle();
  }

  /** Drops measurements of which a part is still to be drawn. */
  cancel(): void {
    this.writing = null;
    this.#annotations.keep(({ kind, points }) => points.length >= pointsOf[kind]);
    this.#annotations.settle();
  }

  /** Drops the others without a step that could be undone. */
  keep(which: (measurement: Measurement) => boolean): void {
    this.#annotations.keep(which);
  }

  undo(): void {
    this.#annotations.undo();
  }

  redo(): void {
    this.#annotations.redo();
  }

  /** Marks the picture on the screen as a key image, or takes the mark away. */
  toggleKeyImage(): void {
    const id = this.#shown()?.id;
    if (id !== undefined) this.#annotations.toggleKeyImage(id);
  }
}
