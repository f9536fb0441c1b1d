import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ZipSink, ZipWriter } from '../../router/export/zip-writer.ts';

/** Sums over gigabytes take minutes: in the long campaigns both ways, else one. */
const long = Boolean(process.env['LIFEBOAT_LONG']);
const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const hasUnzip = works('unzip', '-v');
const hasPython = works('python3', '-c', 'import zipfile');
const MIB = 1024 * 1024;
const zeros = Buffer.alloc(16 * MIB);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-zip-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A ZIP file on disk in which blocks of zeros are holes: gigabytes cost no room. */
async function zipFile(seekable: boolean, work: (writer: ZipWriter) => Promise<void>): Promise<string> {
  const path = join(folder, 'test.zip');
  const file = openSync(path, 'w');
  let at = 0;
  const sink: ZipSink = {
    write: async (bytes) => {
      if (bytes !== zeros) writeSync(file, bytes, 0, bytes.length, at);
      at += bytes.length;
      ftruncateSync(file, at);
    },
    ...(seekable && { rewrite: async (bytes, offset) => void writeSync(file, bytes, 0, bytes.length, offset) }),
  };
  const writer = new ZipWriter(sink);
  await work(writer);
  await writer.finish();
  closeSync(file);
  return path;
}

function* gigabytes(count: number): Generator<Uint8Array> {
  for (let i = 0; i < count * 64; i++) yield zeros;
}

const READER = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    names = z.namelist()
    last = z.read(names[-1]).decode()
    sizes = [i.file_size for i in z.infolist()][:3]
    bad = z.testzip() if len(sys.argv) > 2 else None
json.dump({"count": len(names), "last": [names[-1], last], "sizes": sizes, "bad": bad}, sys.stdout)
`;
const read = (path: string, ...more: string[]) =>
  JSON.parse(execFileSync('python3', ['-c', READER, path, ...more], { encoding: 'utf8' }));

describe.each([
  ['on disk', true],
  ['streamed', false],
])('a ZIP file %s', (_where, seekable) => {
  it.skipIf(!hasUnzip || !hasPython)('is whole for unzip and python, foreign letters in its names', async () => {
    const path = await zipFile(seekable, async (writer) => {
      await writer.add('DICOM/IMG00001', 3, [Buffer.from('one')]);
      await writer.add('größe/山.dcm', 6, [Buffer.from('tw'), Buffer.from('o2'), Buffer.from('33')]);
    });
    expect(execFileSync('unzip', ['-t', path], { encoding: 'utf8' })).toContain('No errors detected');
    expect(read(path, 'all')).toEqual({ count: 2, last: ['größe/山.dcm', 'two233'], sizes: [3, 6], bad: null });
  });

  it.skipIf(!hasUnzip || !hasPython || (seekable && !long))(
    `${seekable && !long ? '[long] ' : ''}holds a member of more than 4 GiB and members behind it`,
    async () => {
      const size = 4.25 * 1024 * MIB;
      const path = await zipFile(seekable, async (writer) => {
        await writer.add('small', 5, [Buffer.from('first')]);
        await writer.add('large', size, gigabytes(17).take(272));
        await writer.add('last', 4, [Buffer.from('last')]);
      });
      expect(read(path)).toEqual({ count: 3, last: ['last', 'last'], sizes: [5, size, 4], bad: null });
      expect(execFileSync('unzip', ['-t', path, ...(long ? [] : ['small', 'last'])], { encoding: 'utf8' })).toContain(
        'No errors detected',
      );
    },
    300_000,
  );

  it.skipIf(!hasPython)(
    'holds more than 65,535 members',
    async () => {
      const path = await zipFile(seekable, async (writer) => {
        for (let i = 0; i < 65_600; i++) await writer.add(`IMG${i}`, 1, [Buffer.from('x')]);
        await writer.add('LAST', 3, [Buffer.from('end')]);
      });
      expect(read(path)).toMatchObject({ count: 65_601, last: ['LAST', 'end'] });
    },
    60_000,
  );
});

describe('a ZIP file whose member fails', () => {
  it('refuses a body of another length than announced', async () => {
    const writer = new ZipWriter({ write: async () => undefined });
    await expect(writer.add('a', 2, [Buffer.from('abc')])).rejects.toThrow('3 bytes came, 2 were announced');
    expect(writer.position).toBe(0);
  });
});
