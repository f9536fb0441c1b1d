/** One `bytes=` range (RFC 9110 14.2): null to send all (absent, several or not understood), 'outside' for 416. `end` is exclusive. */
export function byteRangeOf(
  header: string | undefined,
  ifRange: string | undefined,
  etag: string,
  size: number,
): { start: number; end: number } | null | 'outside' {
  if (header === undefined || (ifRange !== undefined && ifRange.trim() !== etag)) return null;
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header);
  if (!match || (match[1] === '' && match[2] === '')) return null;
  if (match[1] === '') {
    const suffix = Number(match[2]);
    return suffix === 0 ? 'outside' : { start: Math.max(0, size - suffix), end: size };
  }
  const start = Number(match[1]);
  const last = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (start >= size) return 'outside';
  return last < start ? null : { start, end: last + 1 };
}
