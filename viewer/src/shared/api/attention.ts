/** Nobody is at the page when nothing was touched for this long, ms. */
const AWAY_MS = 60_000;
/** While somebody is, the router hears of it this often, ms. */
const TELL_MS = 20_000;
const SIGNS = ['pointerdown', 'pointermove', 'wheel', 'keydown', 'touchstart'] as const;

let lastSign = Date.now();
let lastTold = Date.now();

/**
 * Whether somebody is at the page. What it asks for by itself meanwhile (live lists, say) must not keep the session of
 * somebody who walked away.
 */
export function isAttended(): boolean {
  return Date.now() - lastSign < AWAY_MS;
}

/** For how long nothing was touched, ms. */
export function unattendedMs(): number {
  return Date.now() - lastSign;
}

/** Calls `tell` while the page is used, for reading needs no request that would show it. */
export function watchAttention(tell: () => void): void {
  const onSign = () => {
    lastSign = Date.now();
    if (lastSign - lastTold < TELL_MS) return;
    lastTold = lastSign;
    tell();
  };
  for (const sign of SIGNS) addEventListener(sign, onSign, { capture: true, passive: true });
}
