const wishes = new EventTarget();

/** Asks for the three planes of the active pane: by a key. */
export function wishPlanes(): void {
  wishes.dispatchEvent(new Event('planes'));
}

/** Calls back at each wish. @returns a function that ends it */
export function onPlanesWished(listener: () => void): () => void {
  wishes.addEventListener('planes', listener);
  return () => wishes.removeEventListener('planes', listener);
}
