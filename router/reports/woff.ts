import { inflateSync } from 'node:zlib';

const TABLE_RECORD = 20;
const SFNT_RECORD = 16;

/**
 * A WOFF 1.0 file as the font file that it packs (W3C WOFF 1.0, section 4 and 5): what reads fonts inflates a packed table anew
 * for every glyph.
 */
export function unpackWoff(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12);
  const records = Array.from({ length: count }, (_, n) => {
    const at = 44 + n * TABLE_RECORD;
    const [offset, packed, length] = [4, 8, 12].map((field) => woff.readUInt32BE(at + field)) as [
      number,
      number,
      number,
    ];
    const stored = woff.subarray(offset, offset + packed);
    return {
      tag: woff.subarray(at, at + 4),
      checksum: woff.readUInt32BE(at + 16),
      bytes: packed < length ? inflateSync(stored) : stored,
    };
  });
  const head = Buffer.alloc(12 + count * SFNT_RECORD);
  woff.copy(head, 0, 4, 8);
  head.writeUInt16BE(count, 4);
  const power = Math.floor(Math.log2(count));
  head.writeUInt16BE(16 * 2 ** power, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE(16 * (count - 2 ** power), 10);
  const pieces: Buffer[] = [head];
  let at = head.length;
  for (const [n, { tag, checksum, bytes }] of records.entries()) {
    const record = 12 + n * SFNT_RECORD;
    tag.copy(head, record);
    head.writeUInt32BE(checksum, record + 4);
    head.writeUInt32BE(at, record + 8);
    head.writeUInt32BE(bytes.length, record + 12);
    const padding = (4 - (bytes.length % 4)) % 4;
    pieces.push(bytes, Buffer.alloc(padding));
    at += bytes.length + padding;
  }
  return Buffer.concat(pieces);
}
