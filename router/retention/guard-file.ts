/** In LIFEBOAT_DATA: what the watch for vanishing images remembers. */
export const GUARD_FILE = 'guard.sqlite';
