import { type Grayscale, modalityValue, type Voi } from '../../paint/grayscale.ts';
import type { MprSession } from '../mpr-session.ts';
import { transferOf, type VolumePreset } from './presets.ts';
import { RayCaster, type Sight } from './ray-caster.ts';
import { mostTexels, planTexture, type TexturePlan } from './texture-plan.ts';

/** Where the volume view stands. */
export type VolumeState =
  | { kind: 'waiting' }
  | { kind: 'filling'; layers: number; of: number }
  | { kind: 'ready'; factor: TexturePlan['factor'] }
  | { kind: 'none'; why: 'webgl' | 'memory' | 'lost' | 'failed'; reason?: string };

/** What is to be drawn. `width`, `height`: pixels of the visible canvas; `sight.perPixel` is of one of them. */
export interface Wish {
  width: number;
  height: number;
  sight: Sight;
  preset: VolumePreset;
  grayscale: Grayscale;
  voi: Voi;
}

/** ms that one go at the card may take, so that hands and other panes are not kept waiting. */
const patience = 40;
/** ms without a change after which the picture is drawn in full. */
const rest = 120;
const mostPixels = 2 ** 21;
/** Rows drawn at once at first, until the card's speed is known. */
const firstRows = 16;

/**
 * Takes the volume of a session to the graphics card once every slice has come, and draws wishes: coarsely at once, finely
 * when nothing changes any more.
 */
export class VolumeView {
  readonly canvas: HTMLCanvasElement;
  state: VolumeState = { kind: 'waiting' };
  readonly #session: MprSession;
  readonly #changed: (state: VolumeState) => void;
  readonly #leave: () => void;
  #caster: RayCaster | null = null;
  #wish: Wish | null = null;
  #table = '';
  /** Part of the full width and height that is drawn while things move. */
  #coarse = 0.25;
  #frame = 0;
  #timer = 0;
  #closed = false;

  /** @param canvas where pictures appear @param changed called whenever `state` is another one */
  constructor(canvas: HTMLCanvasElement, session: MprSession, changed: (state: VolumeState) => void) {
    this.canvas = canvas;
    this.#session = session;
    this.#changed = changed;
    this.#leave = session.subscribe(() => this.#begin());
    try {
      this.#caster = new RayCaster(session.geometry);
      this.#caster.canvas.addEventListener('webglcontextlost', () => {
        if (!this.#closed) this.#giveUp({ kind: 'none', why: 'lost' });
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.state = reason === 'no WebGL2' ? { kind: 'none', why: 'webgl' } : { kind: 'none', why: 'failed', reason };
    }
    this.#begin();
  }

  /** Draws something else from now on. */
  wish(wish: Wish): void {
    this.#wish = wish;
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#leave();
    this.#stopDrawing();
    this.#caster?.close();
    this.#caster = null;
  }

  #set(state: VolumeState): void {
    this.state = state;
    this.#changed(state);
  }

  #giveUp(state: VolumeState): void {
    this.#stopDrawing();
    this.#caster?.close();
    this.#caster = null;
    this.canvas.width = this.canvas.height = 1;
    this.#set(state);
  }

  #begin(): void {
    if (this.state.kind !== 'waiting' || !this.#caster || !this.#session.settled || this.#session.done === 0) return;
    this.#set({ kind: 'filling', layers: 0, of: this.#session.geometry.slices });
    void this.#fill(this.#caster);
  }

  async #fill(caster: RayCaster): Promise<void> {
    const session = this.#session;
    const { grayscale } = session;
    const [least, greatest] = (await session.valueRange()).map((value) => modalityValue(grayscale, value));
    if (this.#closed || caster.lost) return;
    const plan = this.#room(caster, Math.max(Math.abs(least!), Math.abs(greatest!)));
    if (!plan) return this.#giveUp({ kind: 'none', why: 'memory' });
    const [, , layers] = plan.size;
    for (let n = 0; n < layers; n += 1) {
      const stored = await session.layer(n, plan.factor);
      if (this.#closed || caster.lost) return;
      caster.setLayer(
        n,
        Float32Array.from(stored, (value) => modalityValue(grayscale, value)),
      );
      if (n % 16 === 0) this.#set({ kind: 'filling', layers: n, of: layers });
    }
    this.#set({ kind: 'ready', factor: plan.factor });
    this.#schedule();
  }

  /** Tries smaller and smaller grids. */
  #room(caster: RayCaster, scale: number): TexturePlan | null {
    for (let most = mostTexels; most >= 2 ** 20; most /= 4) {
      const plan = planTexture(this.#session.geometry, caster.limit, most);
      if (caster.allocate(plan, scale)) return plan;
      if (caster.lost) return null;
    }
    return null;
  }

  #stopDrawing(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.state.kind !== 'ready' || !this.#wish) return;
    this.#stopDrawing();
    this.#frame = requestAnimationFrame(() => {
      this.#drawCoarse();
      this.#timer = window.setTimeout(() => this.#drawFine(), rest);
    });
  }

  /** Sets the card up. @param part of the full size */
  #prepare(caster: RayCaster, wish: Wish, part: number, fineness: number): { width: number; height: number } {
    const table = JSON.stringify([wish.preset, wish.voi, wish.grayscale.inverted]);
    if (table !== this.#table) caster.setTransfer(transferOf(wish.preset, wish.grayscale, wish.voi));
    this.#table = table;
    const width = Math.max(1, Math.round(wish.width * part));
    const height = Math.max(1, Math.round(wish.height * part));
    const perPixel = wish.sight.perPixel * (wish.height / height);
    caster.look(width, height, { ...wish.sight, perPixel }, fineness);
    return { width, height };
  }

  #drawCoarse(): void {
    const [caster, wish] = [this.#caster, this.#wish];
    if (!caster || !wish) return;
    const { height } = this.#prepare(caster, wish, this.#coarse, 1);
    const took = caster.drawRows(0, height);
    this.#show(caster, wish, 'coarse');
    const better = this.#coarse * Math.sqrt(patience / Math.max(1, took));
    this.#coarse = Math.min(1, Math.max(0.06, better));
  }

  #drawFine(): void {
    const [caster, wish] = [this.#caster, this.#wish];
    if (!caster || !wish) return;
    const part = Math.min(1, Math.sqrt(mostPixels / (wish.width * wish.height)));
    const { height } = this.#prepare(caster, wish, part, 2);
    let [done, rows] = [0, firstRows];
    const next = () => {
      const to = Math.min(height, done + rows);
      const took = caster.drawRows(done, to);
      done = to;
      rows = Math.max(1, Math.min(rows * 4, Math.floor((rows * patience) / Math.max(1, took))));
      if (done === height) this.#show(caster, wish, 'fine');
      else this.#frame = requestAnimationFrame(next);
    };
    next();
  }

  #show(caster: RayCaster, { width, height }: Wish, quality: 'coarse' | 'fine'): void {
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext('2d', { alpha: false })!;
    context.imageSmoothingQuality = 'high';
    context.drawImage(caster.canvas, 0, 0, width, height);
    canvas.dataset['quality'] = quality;
  }
}
