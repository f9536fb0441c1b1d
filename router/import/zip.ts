import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type Entry, open, type ZipFile } from 'yauzl';
import { LifeboatError } from '../../contract/errors.ts';

export interface ZipMember {
  /** Name inside the archive, for people to read; nothing is ever written under it. */
  name: string;
  /** Uncompressed size as the archive claims it. */
  size: number;
  crc32: number;
  /** Present when the member must not be read. */
  problem?: string;
  /** Opens the member. It fails with DATASET_BOMB as soon as more comes out than may. */
  read(): Promise<Readable>;
}

/** From here on a member must not have grown more than MAX_RATIO times. */
const BOMB_FLOOR = 64 * 1024 * 1024;
const MAX_RATIO = 250;

const openZip = promisify(
  open as (path: string, options: object, callback: (error: Error | null, zip: ZipFile) => void) => void,
);

export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 0x03 && head[3] === 0x04;
}

/** Members of a ZIP file one after another, folders left out. Throws BAD_REQUEST when the file is damaged. */
export async function* zipMembers(path: string): AsyncGenerator<ZipMember> {
  const zip = await openZip(path, { lazyEntries: true, autoClose: false, decodeStrings: false }).catch(
    (error: Error) => {
      throw damaged(error);
    },
  );
  try {
    for (;;) {
      const entry = await nextEntry(zip);
      if (!entry) return;
      const name = decodeName(entry.fileName as unknown as Buffer);
      if (name.endsWith('/')) continue;
      yield {
        name,
        size: entry.uncompressedSize,
        crc32: entry.crc32,
        problem: problemOf(entry, name),
        read: () => readMember(zip, entry),
      };
    }
  } finally {
    zip.close();
  }
}

function nextEntry(zip: ZipFile): Promise<Entry | null> {
  return new Promise((resolve, reject) => {
    const done = () => zip.off('entry', onEntry).off('end', onEnd).off('error', onError);
    const onEntry = (entry: Entry) => {
      done();
      resolve(entry);
    };
    const onEnd = () => {
      done();
      resolve(null);
    };
    const onError = (error: Error) => {
      done();
      reject(damaged(error));
    };
    zip.on('entry', onEntry).on('end', onEnd).on('error', onError);
    zip.readEntry();
  });
}

const damaged = (error: Error) =>
  new LifeboatError('BAD_REQUEST', `The ZIP file is damaged: ${error.message}.`, { cause: error });

function decodeName(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

function problemOf(entry: Entry, name: string): string | undefined {
  if (name.split(/[\\/]/).includes('..') || /^([\\/]|[A-Za-z]:)/.test(name)) {
    return 'Its name in the ZIP file points out of the ZIP file.';
  }
  if ((entry.generalPurposeBitFlag & 1) === 1) return 'It is encrypted in the ZIP file.';
  return undefined;
}

function readMember(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) {
        reject(damaged(error));
        return;
      }
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > BOMB_FLOOR && bytes > entry.compressedSize * MAX_RATIO) {
          stream.destroy(new LifeboatError('DATASET_BOMB'));
        }
      });
      stream.pause();
      resolve(stream);
    });
  });
}
