import type { Look } from '../paint/paint-words.ts';
import { paint, type ReadyPicture } from '../paint/painted-picture.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { type Point, pixelAspectOf } from '../study/geometry.ts';
import { drawLens, drawPicture, type Geometry, type Placement } from './view-transform.ts';

/** How much more the lens enlarges. */
export const LENS_FACTOR = 2.5;

/** The canvas of a pane, and the picture painted once for all its zooms. */
export class PaneCanvas {
  readonly #source = document.createElement('canvas');
  #canvas: HTMLCanvasElement | null = null;
  #painted: { item: ReadyPicture; key: string } | null = null;

  attach(canvas: HTMLCanvasElement | null): void {
    this.#canvas = canvas;
  }

  get attached(): boolean {
    return this.#canvas !== null;
  }

  /** Fits the canvas to its element. */
  fit(): void {
    const canvas = this.#canvas;
    if (!canvas) return;
    const ratio = devicePixelRatio;
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
  }

  geometryOf(shown: ReadyPicture): Geometry | null {
    const canvas = this.#canvas;
    if (!canvas) return null;
    return {
      columns: shown.frame.columns,
      rows: shown.frame.rows,
      aspect: pixelAspectOf(frameAttributesOf(shown.picture)),
      viewWidth: canvas.clientWidth,
      viewHeight: canvas.clientHeight,
    };
  }

  /** Nothing but black. */
  clear(): void {
    const canvas = this.#canvas;
    const context = canvas?.getContext('2d', { alpha: false });
    if (!canvas || !context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.dataset['picture'] = '';
  }

  /** @param key changes with everything that `look` depends on @param lens where the lens is held, in the view */
  draw(shown: ReadyPicture, look: () => Look, key: string, placement: Placement, lens: Point | null): void {
    const canvas = this.#canvas;
    const geometry = this.geometryOf(shown);
    const context = canvas?.getContext('2d', { alpha: false });
    if (!canvas || !geometry || !context) return;
    if (this.#painted?.item !== shown || this.#painted.key !== key) {
      this.#source.width = shown.frame.columns;
      this.#source.height = shown.frame.rows;
      this.#source.getContext('2d')!.putImageData(paint(shown, look()), 0, 0);
      this.#painted = { item: shown, key };
    }
    drawPicture(context, this.#source, geometry, placement, devicePixelRatio);
    if (lens) drawLens(context, this.#source, geometry, placement, devicePixelRatio, lens, LENS_FACTOR);
    canvas.dataset['picture'] = shown.picture.id;
  }
}
