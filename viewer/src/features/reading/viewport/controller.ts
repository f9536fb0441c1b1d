import { AnnotationStore } from '../annotations/annotation-store.ts';
import { frames } from '../frames/frames.ts';
import { type Voi, voiFunctionOf } from '../paint/grayscale.ts';
import type { Look } from '../paint/paint-words.ts';
import { loadReady, peekReady, type ReadyPicture } from '../paint/painted-picture.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import type { Point } from '../study/geometry.ts';
import type { Picture, Stack } from '../study/study-model.ts';
import { Cine } from './cine.ts';
import type { CineRate } from './cine-rate.ts';
import type { Measurement, MeasurementKind } from './measurements.ts';
import { Measuring } from './measuring.ts';
import { PaneCanvas } from './pane-canvas.ts';
import { prefetchOrder } from './prefetch-order.ts';
import {
  fitScale,
  type Geometry,
  imageToView,
  initialPlacement,
  mapPoint,
  type Placement,
  zoomedAt,
} from './view-transform.ts';
import { draggedWindow, voiOf, type WindowChoice, windowOf } from './window-choice.ts';

export type ToolName = 'scroll' | 'window' | 'pan' | 'zoom' | 'magnify' | MeasurementKind;

/** What a reader does to a pane that others may follow. */
export type Act = 'scroll' | 'place' | 'window';

/** State of one viewport and everything that changes it. Paints itself; React hears of it through `subscribe`. */
export class ViewportController {
  stack: Stack | null = null;
  index = 0;
  placement: Placement = initialPlacement;
  window: WindowChoice = { kind: 'default' };
  invert = false;
  /** Whether the image's own overlay planes are drawn. */
  overlaysShown = true;
  error = '';
  version = 0;
  /** Where the last step of scrolling began. */
  indexBefore = 0;
  /** Whether the reader has done anything to the stack in it. */
  touched = false;
  /** Called when something was done to the pane, after it was done. */
  onAct: ((act: Act) => void) | null = null;
  readonly annotations: AnnotationStore;
  readonly measuring: Measuring;
  readonly #listeners = new Set<() => void>();
  readonly #canvas = new PaneCanvas();
  readonly #cine = new Cine(
    () => this.#nextOfFilm(),
    () => this.#changed(),
  );
  #shown: ReadyPicture | null = null;
  #lens: Point | null = null;
  #direction = 1;
  #scheduled = 0;

  /** @param annotations shared by all panes: what is measured in a picture is seen wherever that is */
  constructor(annotations: AnnotationStore = new AnnotationStore()) {
    this.annotations = annotations;
    this.annotations.subscribe(() => this.#changed());
    this.measuring = new Measuring(
      annotations,
      () => this.#shown?.picture ?? null,
      () => this.#changed(),
    );
  }

  get measurements(): readonly Measurement[] {
    return this.annotations.list;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get picture(): Picture | null {
    return this.stack?.pictures[this.index] ?? null;
  }

  /** The picture on the screen; may lag behind `picture` while that one is fetched. */
  get shown(): ReadyPicture | null {
    return this.#shown;
  }

  /**
   * What the pixels on the screen are of: the only source for whatever is written on or measured in them. `index` is its
   * place in the stack. Null while nothing is shown.
   */
  get onScreen(): { picture: Picture; index: number } | null {
    const id = this.#shown?.picture.id;
    if (id === undefined) return null;
    const current = this.picture;
    if (current?.id === id) return { picture: current, index: this.index };
    const index = this.stack?.pictures.findIndex((candidate) => candidate.id === id) ?? -1;
    const picture = this.stack?.pictures[index];
    return picture ? { picture, index } : null;
  }

  attach(canvas: HTMLCanvasElement | null): void {
    this.#canvas.attach(canvas);
    if (canvas) this.resize();
    this.#prefetch();
  }

  /** Fits the canvas to its element and paints at once. */
  resize(): void {
    if (!this.#canvas.attached) return;
    this.#canvas.fit();
    this.draw();
    this.#changed();
  }

  /** Puts a stack into the viewport. @param pictureId where to start; else the first picture */
  open(stack: Stack | null, pictureId?: string): void {
    this.stopCine();
    this.touched = false;
    this.stack = stack;
    this.index = Math.max(0, stack?.pictures.findIndex((picture) => picture.id === pictureId) ?? 0);
    this.placement = initialPlacement;
    this.window = { kind: 'default' };
    this.invert = false;
    this.#direction = 1;
    this.#shown = null;
    // Nothing of the former patient may stay under the new one's name while the new picture is on its way.
    this.draw();
    this.#show();
  }

  /** The stack has grown or changed: stay at the image that is on the screen, also where a newer content replaces it. */
  replaceStack(stack: Stack): void {
    const before = this.picture;
    const same = (picture: Picture) => picture.id === before?.id;
    const replaced = (picture: Picture) =>
      picture.instance.sopInstanceUID === before?.instance.sopInstanceUID && picture.frame === before.frame;
    this.stack = stack;
    const found = stack.pictures.findIndex(same);
    const index = found >= 0 ? found : stack.pictures.findIndex(replaced);
    this.index = index >= 0 ? index : Math.min(this.index, stack.pictures.length - 1);
    if (!this.onScreen) {
      this.#shown = null;
      this.draw();
    }
    this.#show();
  }

  goTo(index: number): void {
    if (!this.stack) return;
    const next = Math.max(0, Math.min(this.stack.pictures.length - 1, Math.round(index)));
    if (next === this.index) return;
    this.#direction = next > this.index ? 1 : -1;
    this.indexBefore = this.index;
    this.index = next;
    this.#show();
    this.#acted('scroll');
  }

  scroll(steps: number): void {
    this.goTo(this.index + steps);
  }

  retry(): void {
    this.#show();
  }

  setWindow(choice: WindowChoice): void {
    this.window = choice;
    this.#invalidate();
    this.#acted('window');
  }

  /** Takes over window and polarity of another pane. */
  lookLike({ window, invert }: Pick<ViewportController, 'window' | 'invert'>): void {
    this.window = window;
    this.invert = invert;
    this.#invalidate();
  }

  /** Drags the window: width by `dx`, centre by `dy`, in view pixels. */
  dragWindow(dx: number, dy: number): void {
    const voi = this.#voi();
    const shown = this.#shown;
    if (voi && shown?.grayscale) this.setWindow(draggedWindow(voi, shown.grayscale, shown.range, dx, dy));
  }

  /** Centre and width in force, or null for colour and for pictures under their own VOI LUT. */
  currentWindow(): { center: number; width: number } | null {
    const voi = this.#voi();
    return voi && (voi.kind === 'window' || voi.width !== undefined) ? windowOf(voi) : null;
  }

  place(change: Partial<Placement>): void {
    this.placement = { ...this.placement, ...change };
    this.#invalidate();
    this.#acted('place');
  }

  /** Zooms so that the view's point `at` stays where it is. */
  zoomAt(factor: number, at: Point): void {
    const geometry = this.geometry();
    if (geometry) this.place(zoomedAt(this.placement, geometry, factor, at));
  }

  /** Zooms about the middle of the view. */
  zoomBy(factor: number): void {
    const geometry = this.geometry();
    if (geometry) this.zoomAt(factor, { x: geometry.viewWidth / 2, y: geometry.viewHeight / 2 });
  }

  get lensHeld(): boolean {
    return this.#lens !== null;
  }

  /** Holds the lens over a point of the view; null puts it away. */
  holdLens(at: Point | null): void {
    this.#lens = at;
    this.#invalidate();
  }

  rotate(): void {
    this.place({ turns: (this.placement.turns + 1) % 4 });
  }

  /** Mirrors left and right as they are seen. */
  flip(): void {
    const { flipped, turns } = this.placement;
    this.place({ flipped: !flipped, turns: (4 - turns) % 4 });
  }

  toggleOverlays(): void {
    this.overlaysShown = !this.overlaysShown;
    this.#invalidate();
  }

  toggleInvert(): void {
    this.invert = !this.invert;
    this.#invalidate();
    this.#acted('window');
  }

  reset(): void {
    this.placement = initialPlacement;
    this.window = { kind: 'default' };
    this.invert = false;
    this.#invalidate();
    this.#acted('place');
    this.#acted('window');
  }

  /** Frames a second; 0: the cine stands still. */
  get cine(): number {
    return this.#cine.rate;
  }

  /** False where the rate of the cine is not the object's own. */
  get cineTold(): boolean {
    return this.#cine.told;
  }

  startCine(rate: CineRate): void {
    this.#cine.start(rate);
  }

  stopCine(): void {
    this.#cine.stop();
  }

  #nextOfFilm(): void {
    const { stack } = this;
    if (!stack) return;
    const next = (this.index + 1) % stack.pictures.length;
    if (frames.has(stack.pictures[next]!.id) || this.error) {
      this.#direction = 1;
      this.indexBefore = this.index;
      this.index = next;
    }
    this.#show();
    this.#acted('scroll');
  }

  /** Matrix from image to view for what is on the screen. */
  matrix(): DOMMatrix | null {
    const geometry = this.geometry();
    return geometry && imageToView(geometry, this.placement);
  }

  toImage(point: Point): Point | null {
    const matrix = this.matrix();
    return matrix && mapPoint(matrix.inverse(), point);
  }

  geometry(): Geometry | null {
    return this.#shown && this.#canvas.geometryOf(this.#shown);
  }

  /** CSS pixels an image row takes, over one: 1 is life-size in pixels. */
  scale(): number | null {
    const geometry = this.geometry();
    return geometry && fitScale(geometry, this.placement.turns) * this.placement.zoom;
  }

  draw(): void {
    const shown = this.#shown;
    if (!shown) {
      this.#canvas.clear();
      return;
    }
    const key = JSON.stringify([this.window, this.invert, this.overlaysShown, shown.overlays.length]);
    this.#canvas.draw(shown, () => this.look(), key, this.placement, this.#lens);
  }

  /** How the picture on the screen is painted. */
  look(): Look {
    return { voi: this.#voi(), invert: this.invert, overlays: this.overlaysShown };
  }

  #voi(): Voi | undefined {
    const shown = this.#shown;
    if (!shown?.grayscale) return undefined;
    return voiOf(this.window, shown.grayscale, shown.range, voiFunctionOf(frameAttributesOf(shown.picture)));
  }

  #show(): void {
    const picture = this.picture;
    this.error = '';
    if (!picture) {
      this.#shown = null;
      this.#prefetch();
      this.#invalidate();
      return;
    }
    const ready = peekReady(picture);
    if (ready) {
      this.#shown = ready;
      this.#awaitOverlays(ready);
      this.draw();
      this.#changed();
    } else {
      this.#changed();
      loadReady(picture).then(
        (item) => this.#arrived(picture, item),
        (error: unknown) => this.#failed(picture, error),
      );
    }
    this.#prefetch();
  }

  #arrived(picture: Picture, item: ReadyPicture): void {
    if (this.picture?.id !== picture.id) return;
    this.#shown = item;
    this.#awaitOverlays(item);
    // At once, not with the next frame: the words change with this very call.
    this.draw();
    this.#changed();
  }

  #awaitOverlays(item: ReadyPicture): void {
    void item.pending?.then(() => {
      if (this.#shown === item) this.#invalidate();
    });
  }

  #failed(picture: Picture, error: unknown): void {
    if (this.picture?.id !== picture.id) return;
    if (error instanceof DOMException && error.name === 'AbortError') return;
    this.#shown = null;
    this.error = error instanceof Error ? error.message : String(error);
    this.draw();
    this.#changed();
  }

  #prefetch(): void {
    const { stack, picture } = this;
    if (!stack || !picture || !this.#canvas.attached) frames.prefetch([], this);
    else frames.prefetch(prefetchOrder(stack.pictures, this.index, this.#direction, this.cine > 0), this, picture);
  }

  #invalidate(): void {
    this.#changed();
    if (this.#scheduled) return;
    this.#scheduled = requestAnimationFrame(() => {
      this.#scheduled = 0;
      this.draw();
      this.#changed();
    });
  }

  #acted(act: Act): void {
    this.touched = true;
    this.onAct?.(act);
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
