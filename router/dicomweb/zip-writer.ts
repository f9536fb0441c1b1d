import { crc32 } from 'node:zlib';
import type { Request, Response } from 'express';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { writeTo } from './multipart-writer.ts';

const MAX_32 = 0xffffffff;

interface Written {
  name: Buffer;
  crc: number;
  size: number;
  offset: number;
}

/** Local file header with a data descriptor behind the data, stored without compression (APPNOTE 4.3.7). */
function localHeader(name: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(45, 4);
  header.writeUInt16LE(0x0808, 6);
  header.writeUInt16LE(0x21, 12);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

/** Data descriptor (4.3.9), 8-byte sizes only where needed. */
function descriptor(crc: number, size: number): Buffer {
  const big = size > MAX_32;
  const bytes = Buffer.alloc(big ? 24 : 16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  if (big) {
    bytes.writeBigUInt64LE(BigInt(size), 8);
    bytes.writeBigUInt64LE(BigInt(size), 16);
  } else {
    bytes.writeUInt32LE(size, 8);
    bytes.writeUInt32LE(size, 12);
  }
  return bytes;
}

function centralHeader(file: Written): Buffer {
  const wide = file.size > MAX_32 || file.offset > MAX_32;
  const extra = Buffer.alloc(wide ? 28 : 0);
  if (wide) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(file.size), 4);
    extra.writeBigUInt64LE(BigInt(file.size), 12);
    extra.writeBigUInt64LE(BigInt(file.offset), 20);
  }
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(45, 4);
  header.writeUInt16LE(45, 6);
  header.writeUInt16LE(0x0808, 8);
  header.writeUInt16LE(0x21, 14);
  header.writeUInt32LE(file.crc, 16);
  header.writeUInt32LE(wide ? MAX_32 : file.size, 20);
  header.writeUInt32LE(wide ? MAX_32 : file.size, 24);
  header.writeUInt16LE(file.name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(wide ? MAX_32 : file.offset, 42);
  return Buffer.concat([header, file.name, extra]);
}

/** ZIP64 records (4.3.14, 4.3.15) and the end record (4.3.16). */
function endRecords(files: number, size: number, offset: number): Buffer {
  const wide = files > 0xffff || size > MAX_32 || offset > MAX_32;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(wide ? 0xffff : files, 8);
  end.writeUInt16LE(wide ? 0xffff : files, 10);
  end.writeUInt32LE(wide ? MAX_32 : size, 12);
  end.writeUInt32LE(wide ? MAX_32 : offset, 16);
  if (!wide) return end;
  const record = Buffer.alloc(76);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(files), 24);
  record.writeBigUInt64LE(BigInt(files), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + size), 64);
  record.writeUInt32LE(1, 72);
  return Buffer.concat([record, end]);
}

/** Objects as stored in one ZIP, `SERIES/INSTANCE.dcm`, streamed. */
export async function sendZip(
  store: ObjectStore,
  req: Request,
  res: Response,
  entries: readonly InstanceEntry[],
  name: string,
): Promise<void> {
  res.setHeader('Content-Type', 'application/zip');
  res.setHeader('Content-Disposition', `attachment; filename="${name}.zip"`);
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  const written: Written[] = [];
  let at = 0;
  const put = async (bytes: Buffer) => {
    at += bytes.length;
    await writeTo(res, bytes);
  };
  for (const entry of entries) {
    const { body } = await store.stream(entry.key);
    const file: Written = {
      name: Buffer.from(`${entry.seriesInstanceUID}/${entry.sopInstanceUID}.dcm`),
      crc: 0,
      size: 0,
      offset: at,
    };
    await put(localHeader(file.name));
    try {
      for await (const chunk of body) {
        file.crc = crc32(chunk as Buffer, file.crc);
        file.size += (chunk as Buffer).length;
        await put(chunk as Buffer);
      }
    } finally {
      body.destroy();
    }
    await put(descriptor(file.crc, file.size));
    written.push(file);
  }
  const start = at;
  for (const file of written) await put(centralHeader(file));
  await put(endRecords(written.length, at - start, start));
  res.end();
}
