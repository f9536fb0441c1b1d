import type { Picture } from '../study/study-model.ts';
import type { Overlay } from './overlay-types.ts';
import { Presentation } from './presentation.ts';
import type { OverlaySource } from './study-overlays.ts';

/** An overlay that was switched on. */
export interface ActiveOverlay {
  source: OverlaySource;
  /** Undefined while it is fetched. */
  overlay?: Overlay;
  /** Why it could not be had; '' when it could. */
  problem: string;
  hidden: ReadonlySet<string>;
}

async function openOverlay(source: OverlaySource): Promise<Overlay> {
  if (source.kind === 'segmentation') {
    const { Segmentation } = await import('./segmentation.ts');
    const made = new Segmentation(source.pictures);
    if (!made.placed) throw new Error('its frames have no place in the patient');
    return made;
  }
  const { readWhole } = await import('../documents/stored-object.ts');
  const { metadata } = await readWhole(source);
  if (source.kind === 'structures') {
    const { StructureSet } = await import('./structure-set.ts');
    return new StructureSet(metadata);
  }
  return new Presentation(metadata);
}

/** Which overlays are on. One for the page: every pane draws those that concern its picture. */
class OverlayStore {
  readonly #active = new Map<string, ActiveOverlay>();
  readonly #listeners = new Set<() => void>();
  version = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get active(): ActiveOverlay[] {
    return [...this.#active.values()];
  }

  stateOf(key: string): ActiveOverlay | undefined {
    return this.#active.get(key);
  }

  /** Switches an overlay on, or off. */
  toggle(source: OverlaySource): void {
    if (this.#active.delete(source.key)) {
      this.#changed();
      return;
    }
    const entry: ActiveOverlay = { source, problem: '', hidden: new Set() };
    this.#active.set(source.key, entry);
    this.#changed();
    openOverlay(source).then(
      (overlay) => this.#update(source.key, { overlay }),
      (error: unknown) => this.#update(source.key, { problem: error instanceof Error ? error.message : String(error) }),
    );
  }

  /** Puts away what belongs to a study that nobody looks at any more. */
  closeStudy(studyInstanceUID: string): void {
    const before = this.#active.size;
    for (const [key, { source }] of this.#active)
      if (source.studyInstanceUID === studyInstanceUID) this.#active.delete(key);
    if (this.#active.size !== before) this.#changed();
  }

  /** Shows or hides one part of an overlay. */
  togglePart(key: string, part: string): void {
    const entry = this.#active.get(key);
    if (!entry) return;
    const hidden = new Set(entry.hidden);
    if (!hidden.delete(part)) hidden.add(part);
    this.#update(key, { hidden });
  }

  /** Fetches what the overlays draw into a picture; hears of it through `subscribe`. */
  fetchFor(picture: Picture): void {
    for (const { source, overlay } of this.#active.values())
      overlay?.fetchFor(picture).then(
        (fetched) => {
          if (fetched) this.#changed();
        },
        (error: unknown) =>
          this.#update(source.key, { problem: error instanceof Error ? error.message : String(error) }),
      );
  }

  #update(key: string, change: Partial<ActiveOverlay>): void {
    const entry = this.#active.get(key);
    if (!entry) return;
    this.#active.set(key, { ...entry, ...change });
    this.#changed();
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}

export const overlayStore = new OverlayStore();
