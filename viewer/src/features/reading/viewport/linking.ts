import type { OutsideAct } from '../second-window.ts';
import { centreOf, dot, nearest, placesOf, planeOf } from '../study/plane.ts';
import type { Act, ViewportController } from './controller.ts';

/** What panes do together. */
export type Link = 'scroll' | 'zoom' | 'window';
export const linkNames: readonly Link[] = ['scroll', 'zoom', 'window'];

const linkOf: Record<Act, Link> = { scroll: 'scroll', place: 'zoom', window: 'window' };

/**
 * Lets the panes that are seen follow the one that is worked on. Pictures of one frame of reference go to the same place in the
 * patient; others (a prior) keep the distance they had when they were linked; what has no place goes as many images on.
 */
export class Linking {
  readonly #panes: readonly ViewportController[];
  readonly #listeners = new Set<() => void>();
  /** Distance between two stacks (mm along the normal, or images), from when they were linked. */
  readonly #apart = new Map<string, number>();
  #links: ReadonlySet<Link> = new Set();
  #lines = true;
  #following = false;
  /** Told of what is linked and done, for other windows. */
  outside: ((act: Act, source: ViewportController) => void) | null = null;
  /** Number of panes that are seen. */
  visible = 1;
  version = 0;

  constructor(panes: readonly ViewportController[]) {
    this.#panes = panes;
    for (const pane of panes) pane.onAct = (act) => this.#follow(act, pane);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** What is linked now. */
  get links(): ReadonlySet<Link> {
    return this.#links;
  }

  /** Whether the active pane's plane is drawn in the others. */
  get lines(): boolean {
    return this.#lines;
  }

  setLinks(links: readonly Link[]): void {
    this.#links = new Set(links);
    this.#apart.clear();
    this.#changed();
  }

  toggle(link: Link): void {
    const next = new Set(this.#links);
    if (!next.delete(link)) next.add(link);
    this.setLinks([...next]);
  }

  /** All at once: on where one of them is off. */
  toggleAll(): void {
    this.setLinks(this.#links.size === linkNames.length ? [] : linkNames);
  }

  toggleLines(): void {
    this.#lines = !this.#lines;
    this.#changed();
  }

  #follow(act: Act, source: ViewportController): void {
    if (this.#following || !this.#links.has(linkOf[act])) return;
    const place = this.#panes.indexOf(source);
    if (place >= this.visible || !source.stack) return;
    this.outside?.(act, source);
    this.#following = true;
    try {
      for (const target of this.#panes.slice(0, this.visible)) {
        if (target === source || !target.stack) continue;
        if (act === 'scroll') this.#scroll(source, target);
        else if (act === 'place') placeLike(source, target);
        else if (source.stack.modality === target.stack.modality) target.lookLike(source);
      }
    } finally {
      this.#following = false;
    }
  }

  /** Does to the panes that are seen what was done in another window. */
  followOutside(done: OutsideAct): void {
    this.#following = true;
    try {
      for (const pane of this.#panes.slice(0, this.visible)) {
        if (!pane.stack) continue;
        if (done.act === 'scroll') scrollTo(pane, done);
        else if (done.act === 'place') pane.place(done.placement);
        else if (pane.stack.modality === done.modality) pane.lookLike(done);
      }
    } finally {
      this.#following = false;
    }
  }

  #scroll(source: ViewportController, target: ViewportController): void {
    const [from, to] = [source.stack!, target.stack!];
    const pair = `${from.id} ${to.id}`;
    const [here, there] = [placesOf(from), placesOf(to)];
    const plane = planeOf(source.picture!);
    const before = source.indexBefore;
    if (here && there && plane && Math.abs(dot(here.normal, there.normal)) > 0.9) {
      const at = (picture: typeof plane) => dot(there.normal, centreOf(picture));
      const same = here.frameOfReference !== '' && here.frameOfReference === there.frameOfReference;
      if (!same && !this.#apart.has(pair))
        this.#apart.set(pair, there.along[target.index]! - at(planeOf(from.pictures[before]!) ?? plane));
      const offset = same ? offsetOf(target) : this.#apart.get(pair)!;
      target.goTo(nearest(there.along, at(plane) + offset));
      return;
    }
    if (here && there) return;
    if (!this.#apart.has(pair)) this.#apart.set(pair, target.index - before);
    target.goTo(source.index + this.#apart.get(pair)!);
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** To the same place in the patient where both have one, else as many images on. */
function scrollTo(pane: ViewportController, { place, step }: OutsideAct): void {
  const there = placesOf(pane.stack!);
  const same = place && there && place.frameOfReference !== '' && place.frameOfReference === there.frameOfReference;
  if (!same) pane.scroll(step);
  else if (Math.abs(dot(place.normal, there.normal)) > 0.9)
    pane.goTo(nearest(there.along, dot(there.normal, place.centre) + offsetOf(pane)));
}

/** From the centre of the target's pictures to their origin, along the normal: nothing, but for planes that lie askew. */
function offsetOf(target: ViewportController): number {
  const plane = target.picture && planeOf(target.picture);
  return plane ? dot(plane.normal, plane.origin) - dot(plane.normal, centreOf(plane)) : 0;
}

/** The same enlargement, in mm where both planes tell their size, and the same shift. */
function placeLike(source: ViewportController, target: ViewportController): void {
  const { zoom, panX, panY, turns, flipped } = source.placement;
  const [here, there] = [source.onScreen?.picture, target.onScreen?.picture];
  const [plane, other] = [here && planeOf(here), there && planeOf(there)];
  target.place({ zoom, panX, panY, turns, flipped });
  const [mine, own] = [source.scale(), target.scale()];
  if (plane && other && mine && own && zoom !== 1)
    target.place({ zoom: (zoom * (mine / plane.rowSpacing)) / (own / other.rowSpacing) });
}
