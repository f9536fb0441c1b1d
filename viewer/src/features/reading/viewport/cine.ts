import type { CineRate } from './cine-rate.ts';

/** The clock of a film: calls back at its rate while it runs. */
export class Cine {
  /** Frames a second; 0: it stands still. */
  rate = 0;
  /** False where the rate is not the object's own. */
  told = true;
  readonly #tick: () => void;
  readonly #changed: () => void;
  #timer = 0;

  constructor(tick: () => void, changed: () => void) {
    this.#tick = tick;
    this.#changed = changed;
  }

  start({ rate, told }: CineRate): void {
    this.stop();
    this.rate = rate;
    this.told = told;
    this.#timer = window.setInterval(() => {
      if (this.rate > 0) this.#tick();
    }, 1000 / rate);
    this.#changed();
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.rate === 0) return;
    this.rate = 0;
    this.#changed();
  }
}
