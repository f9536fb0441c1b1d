/** One media range of an Accept header (RFC 9110 12.5.1), names in lower case, parameter values unquoted. */
export interface MediaRange {
  /** `type/subtype`, wildcards included. */
  type: string;
  parameters: Map<string, string>;
  /** 0 to 1. */
  q: number;
}

/**
 * What a DICOMweb client asks for (PS3.18 8.7.5): the media type of each representation, and whether these come as parts
 * of a `multipart/related` body or one alone.
 */
export interface MediaAsk {
  multipart: boolean;
  /** Media type of the single body or of each part; may hold wildcards. */
  mediaType: string;
  /** As given: a UID, `*`, or absent. */
  transferSyntax?: string;
  q: number;
}

/** Splits at `separator` outside quoted strings (RFC 9110 5.6.4). */
export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted && c === '\\' && i + 1 < text.length) {
      part += c + text[++i]!;
      continue;
    }
    if (c === '"') quoted = !quoted;
    if (c === separator && !quoted) {
      parts.push(part);
      part = '';
    } else part += c;
  }
  parts.push(part);
  return parts;
}

function unquote(value: string): string {
  const trimmed = value.trim();
  if (!trimmed.startsWith('"')) return trimmed;
  return trimmed.slice(1, trimmed.endsWith('"') && trimmed.length > 1 ? -1 : undefined).replace(/\\(.)/g, '$1');
}

/** A media type with parameters, as in Content-Type; null when it has no `type/subtype`. */
export function parseMediaType(text: string): Omit<MediaRange, 'q'> | null {
  const [head = '', ...rest] = splitOutsideQuotes(text, ';');
  const type = unquote(head).toLowerCase();
  if (!/^[a-z0-9!#$&^_.+*-]+\/[a-z0-9!#$&^_.+*-]+$/.test(type)) return null;
  const parameters = new Map<string, string>();
  for (const item of rest) {
    const equals = item.indexOf('=');
    if (equals < 0) continue;
    parameters.set(item.slice(0, equals).trim().toLowerCase(), unquote(item.slice(equals + 1)));
  }
  return { type, parameters };
}

/** Accept header to media ranges, best first; ranges with q=0 and unreadable ones left out. */
export function parseAccept(header: string): MediaRange[] {
  const ranges: MediaRange[] = [];
  for (const text of splitOutsideQuotes(header, ',')) {
    const media = parseMediaType(text);
    if (!media) continue;
    const q = Number(media.parameters.get('q') ?? '1');
    media.parameters.delete('q');
    const weight = Number.isFinite(q) ? Math.min(Math.max(q, 0), 1) : 1;
    if (weight > 0) ranges.push({ ...media, q: weight });
  }
  return ranges.sort((a, b) => b.q - a.q);
}

/**
 * Asks in order of preference. `accept` in the query string goes before the header (PS3.18 8.3.3.1). Without either,
 * one ask for anything.
 */
export function mediaAsks(header: string | undefined, query: string | undefined): MediaAsk[] {
  const text = [query, header].find((value) => value !== undefined && value.trim() !== '');
  if (text === undefined) return [{ multipart: true, mediaType: '*/*', q: 1 }];
  return parseAccept(text).map(({ type, parameters, q }) => {
    const multipart = type === 'multipart/related' || type === 'multipart/*' || type === '*/*';
    const inner = type === '*/*' ? '*/*' : multipart ? (parameters.get('type') ?? '*/*').toLowerCase() : type;
    const transferSyntax = parameters.get('transfer-syntax');
    return { multipart, mediaType: inner, q, ...(transferSyntax === undefined ? {} : { transferSyntax }) };
  });
}

/** Whether `range` (may hold wildcards) covers `type`. */
export function covers(range: string, type: string): boolean {
  if (range === '*/*' || range === type) return true;
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1));
}
