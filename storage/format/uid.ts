/** Unique identifiers, PS3.5 section 9: rules and padding. */

export const MAX_UID_LENGTH = 64;

/** Without the trailing NUL (PS3.5 9.1) or space padding. */
export function stripUidPadding(raw: string): string {
  let end = raw.length;
  while (end > 0 && (raw.charCodeAt(end - 1) === 0 || raw.charCodeAt(end - 1) === 0x20)) end--;
  return raw.slice(0, end);
}

/**
 * What the archive keeps as a UID: digits and dots, at most 64. Zero-led and empty components break PS3.5 9.1 but occur
 * in real data and harm nobody; letters, slashes and the like are refused because they only occur in slips and attacks.
 */
export function isAcceptableUid(uid: string): boolean {
  return uid.length <= MAX_UID_LENGTH && /^[0-9.]*[0-9][0-9.]*$/.test(uid);
}

/** PS3.5 9.1 to the letter: no empty and no zero-led component. */
export function isConformantUid(uid: string): boolean {
  return uid.length <= MAX_UID_LENGTH && /^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*$/.test(uid);
}
