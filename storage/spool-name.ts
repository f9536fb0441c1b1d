import type { ReceiveSource } from './format/manifest.ts';

/** What the file name of a finished spool entry says; enough to verify the file after a power cut. */
export interface SpoolName {
  /** Milliseconds since the epoch, UTC. */
  receivedAtMs: number;
  /** Unique id: [a-z0-9]+ */
  id: string;
  /** Bytes of the whole file. */
  size: number;
  dataSetOffset: number;
  /** CRC-32 of the bytes in front of the data set. */
  headerCrc: number;
  /** Lower-case hex. */
  dataSetSha256: string;
  source: ReceiveSource;
  /** Letters of MARKS in received-identity.ts. */
  marks?: string;
}

/** Longest file name of the usual file systems, in bytes. */
export const MAX_NAME_BYTES = 255;
export const ENTRY_SUFFIX = '.dcm';
export const PART_SUFFIX = '.part';

const VIA_LETTER = { 'c-store': 'c', stow: 's', import: 'i' } as const;
const LETTER_VIA: Record<string, ReceiveSource['via']> = { c: 'c-store', s: 'stow', i: 'import' };

/**
 * `TIME.ID.SIZE.OFFSET.HEADERCRC.DATASETSHA.SOURCE.dcm`: numbers in base 36, the hash in base64url, source as
 * `via+marks~AE~address~user` with every unusual byte as %XX. A user name too long for the file system's limit is cut at its end.
 */
export function encodeSpoolName(name: SpoolName): string {
  const head = [
    name.receivedAtMs.toString(36).padStart(9, '0'),
    name.id,
    name.size.toString(36),
    name.dataSetOffset.toString(36),
    name.headerCrc.toString(36),
    Buffer.from(name.dataSetSha256, 'hex').toString('base64url'),
  ].join('.');
  const room = MAX_NAME_BYTES - head.length - 1 - ENTRY_SUFFIX.length;
  return `${head}.${encodeSource(name, room)}${ENTRY_SUFFIX}`;
}

/** null when the name is not one of ours. */
export function decodeSpoolName(fileName: string): SpoolName | null {
  const match =
    /^([0-9a-z]{9,})\.([0-9a-z]+)\.([0-9a-z]+)\.([0-9a-z]+)\.([0-9a-z]+)\.([\w-]{43})\.([csi][a-z]*~[^.~]*~[^.~]*~[^.~]*)\.dcm$/.exec(
      fileName,
    );
  if (!match) return null;
  const [, time, id, size, offset, headerCrc, dataSetSha, source] = match as unknown as string[];
  const decodedSource = decodeSource(source!);
  if (!decodedSource) return null;
  return {
    receivedAtMs: Number.parseInt(time!, 36),
    id: id!,
    size: Number.parseInt(size!, 36),
    dataSetOffset: Number.parseInt(offset!, 36),
    headerCrc: Number.parseInt(headerCrc!, 36),
    dataSetSha256: Buffer.from(dataSetSha!, 'base64url').toString('hex'),
    source: decodedSource,
    marks: source!.slice(1, source!.indexOf('~')),
  };
}

function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[.~*'()!]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Longest prefix of `text` whose escaped form has at most `room` bytes. */
function escapeWithin(text: string, room: number): string {
  const whole = percentEncode(text);
  if (whole.length <= room) return whole;
  let kept = '';
  for (const character of text) {
    const next = percentEncode(character);
    if (kept.length + next.length > room) break;
    kept += next;
  }
  return kept;
}

function encodeSource({ source, marks = '' }: SpoolName, room: number): string {
  let left = room - 4 - marks.length;
  const take = (text: string | undefined): string => {
    const escaped = escapeWithin(text ?? '', left);
    left -= escaped.length;
    return escaped;
  };
  return `${VIA_LETTER[source.via]}${marks}~${take(source.callingAE)}~${take(source.address)}~${take(source.user)}`;
}

function decodeSource(text: string): ReceiveSource | null {
  const [letter, callingAE, address, user] = text.split('~');
  const via = LETTER_VIA[letter![0]!];
  if (!via) return null;
  try {
    return {
      via,
      ...(callingAE ? { callingAE: decodeURIComponent(callingAE) } : {}),
      ...(address ? { address: decodeURIComponent(address) } : {}),
      ...(user ? { user: decodeURIComponent(user) } : {}),
    };
  } catch {
    return null;
  }
}
