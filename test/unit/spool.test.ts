import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReceiver } from '../../storage/receive.ts';
import { Spool, type SpoolEntry } from '../../storage/spool.ts';
import { decodeSpoolName, encodeSpoolName, type SpoolName } from '../../storage/spool-name.ts';
import { ctDataSet } from '../support/build-data-set.ts';
import { feed, temporaryFolder } from '../support/receiving.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
let dir: string;
let spool: Spool;
const reopen = async (options = {}) => {
  await spool.close();
  spool = await Spool.open(dir, { minFreeBytes: 0, ...options });
  return spool;
};
const receive = (sopInstanceUID: string, options = {}, transferSyntaxUID = EXPLICIT) =>
  feed(
    createReceiver(spool).beginDataSet(
      { via: 'c-store', callingAE: 'CT 1', address: '10.0.0.7' },
      { transferSyntaxUID },
    ),
    ctDataSet({ sopInstanceUID, ...options }),
  );

beforeEach(async () => {
  dir = temporaryFolder();
  spool = await Spool.open(dir, { minFreeBytes: 0 });
});
afterEach(async () => {
  await spool.close();
  rmSync(dir, { recursive: true });
});

describe('the spool', () => {
  it('tells the committer everything, also after a restart', async () => {
    const seen: SpoolEntry[] = [];
    spool.events.on('entry', (entry) => seen.push(entry));
    await receive('1.2.3.1');
    await receive('1.2.3.2', { rows: 0 });
    await receive('1.2.3.3', { explicitVR: false });
    expect(seen).toHaveLength(3);
    expect(spool.entries()).toEqual(seen);
    expect(seen[2]!.notes.join()).toMatch(/announced transfer syntax/);
    const status = spool.status();
    expect(status).toMatchObject({
      entries: 3,
      bytes: seen.reduce((sum, e) => sum + e.size, 0),
      oldest: seen[0]!.receivedAt,
    });
    expect(status.freeBytes).toBeGreaterThan(0);
    await reopen();
    expect(await spool.recovered).toMatchObject({ recovered: 3, unfinishedRemoved: 0, damaged: [] });
    expect(spool.entries()).toEqual(seen);
  });

  it('can be opened before its old entries are verified, and hands them out one by one', async () => {
    for (const uid of ['1.1', '1.2', '1.3']) await receive(uid);
    await reopen({ awaitRecovery: false });
    expect(spool.status().entries).toBe(3);
    const seen: string[] = [];
    spool.events.on('entry', (entry) => seen.push(entry.sopInstanceUID));
    const fresh = receive('1.9');
    await Promise.all([spool.recovered, fresh]);
    expect(seen.sort()).toEqual(['1.1', '1.2', '1.3', '1.9']);
    expect(spool.status().entries).toBe(4);
  });

  it('forgets what was committed', async () => {
    await receive('1.1');
    const [entry] = spool.entries();
    await spool.remove(entry!);
    await spool.remove(entry!);
    expect(spool.status()).toMatchObject({ entries: 0, bytes: 0, oldest: null });
    expect(existsSync(entry!.path)).toBe(false);
  });

  it.each([
    ['cut short', (path: string) => truncateSync(path, 300), /torn: 300 of/],
    ['grown', (path: string) => appendFileSync(path, 'x'), /torn/],
    ['emptied', (path: string) => writeFileSync(path, ''), /torn: 0 of/],
    [
      'changed in its data set',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(path, bytes);
      },
      /does not match the hash/,
    ],
    [
      'changed in its header',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[3] = 1;
        writeFileSync(path, bytes);
      },
      /does not match the hash/,
    ],
  ])('sets a file aside that was %s', async (_name, harm, reason) => {
    await receive('1.1');
    await receive('1.2');
    const [first] = spool.entries();
    await spool.close();
    harm(first!.path);
    spool = await Spool.open(dir, { minFreeBytes: 0 });
    expect(spool.entries().map((e) => e.sopInstanceUID)).toEqual(['1.2']);
    const [report] = await spool.damaged();
    expect(report!.reason).toMatch(reason);
    expect(report!.expected).toMatchObject({ size: first!.size, source: first!.source });
    expect(existsSync(join(dir, 'damaged', report!.file))).toBe(true);
    await reopen();
    expect((await spool.recovered).damaged).toEqual([]);
  });

  it('sets aside on request', async () => {
    await receive('1.1');
    await spool.setAside(spool.entries()[0]!, 'The store refuses it.');
    expect(spool.status()).toMatchObject({ entries: 0, bytes: 0 });
    expect((await spool.damaged())[0]!.reason).toBe('The store refuses it.');
  });

  it('removes parts of receptions that never ended, and leaves foreign files alone', async () => {
    await spool.close();
    writeFileSync(join(dir, 'abc.part'), 'half');
    writeFileSync(join(dir, 'readme.txt'), 'mine');
    spool = await Spool.open(dir, { minFreeBytes: 0 });
    expect((await spool.recovered).unfinishedRemoved).toBe(1);
    expect(readdirSync(dir).sort()).toEqual(['damaged', 'lock', 'readme.txt']);
  });

  it('belongs to one process', async () => {
    await expect(Spool.open(dir)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(dir),
    });
  });

  it('is taken over from a process that died', async () => {
    await spool.close();
    const lock = { pid: 2 ** 22 - 1, started: 'x', host: (await import('node:os')).hostname(), token: 't' };
    writeFileSync(join(dir, 'lock'), JSON.stringify(lock));
    spool = await Spool.open(dir, { minFreeBytes: 0 });
    expect(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8')).pid).toBe(process.pid);
    await spool.close();
    writeFileSync(join(dir, 'lock'), '{"torn');
    spool = await Spool.open(dir, { minFreeBytes: 0 });
  });

  it('accepts nothing below its floor of free space', async () => {
    await reopen({ minFreeBytes: 2 ** 60 });
    await expect(receive('1.1')).rejects.toMatchObject({ code: 'SPOOL_FULL', dimse: 0xa700 });
    expect(readdirSync(dir).filter((n) => n.endsWith('.part'))).toEqual([]);
  });

  it('says so when its folder cannot be used', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    await expect(Spool.open(join(file, 'spool'))).rejects.toMatchObject({ code: 'SPOOL_UNWRITABLE' });
  });

  it('says so when its folder vanishes while it runs', async () => {
    const other = join(dir, 'other');
    mkdirSync(other);
    const gone = await Spool.open(other, { minFreeBytes: 0 });
    rmSync(other, { recursive: true });
    const reception = createReceiver(gone).beginDataSet({ via: 'c-store' }, { transferSyntaxUID: EXPLICIT });
    await expect(feed(reception, ctDataSet())).rejects.toMatchObject({ code: 'SPOOL_UNWRITABLE' });
    await gone.close();
  });
});

describe('a spool file name', () => {
  const name: SpoolName = {
    receivedAtMs: 1_764_032_356_123,
    id: 'abc1',
    size: 2 ** 41,
    dataSetOffset: 344,
    headerCrc: 0xffffffff,
    dataSetSha256: '0f'.repeat(32),
    source: { via: 'c-store', callingAE: 'CT/1 ~.%é', address: 'fe80::1234:5678:9abc:def0%eth0' },
    marks: 'hjt',
  };
  it('gives back what went in', () => {
    const text = encodeSpoolName(name);
    expect(text).not.toMatch(/[/\0]/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(255);
    expect(decodeSpoolName(text)).toEqual(name);
  });
  it('cuts a user name that does not fit, never in the middle of a character', () => {
    const source = { via: 'stow' as const, address: '10.0.0.1', user: '放射線科'.repeat(40) };
    const text = encodeSpoolName({ ...name, source });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(255);
    expect(decodeSpoolName(text)!.source.user).toMatch(/^放射線科/);
  });
  it.each(['', 'x.dcm', '../../a.dcm', 'IMG0001.dcm'])('is not %j', (text) => {
    expect(decodeSpoolName(text)).toBeNull();
  });
});

describe('a spool file that the disk does not give back at the start', () => {
  const bytesOf = (path: string) => readFileSync(path);
  /** A link to itself cannot be opened by anybody, root included (ELOOP). */
  const block = (path: string) => {
    const bytes = bytesOf(path);
    rmSync(path);
    symlinkSync(path, path);
    return () => {
      rmSync(path);
      writeFileSync(path, bytes);
    };
  };

  it('does not keep the others from being recovered, is named, and is recovered once it can be read', async () => {
    await receive('1.2.3.1');
    await receive('1.2.3.2');
    await receive('1.2.3.3');
    const [first, second] = spool.entries();
    await spool.close();
    const unblockFirst = block(first!.path);
    const unblockSecond = block(second!.path);
    spool = await Spool.open(dir, { minFreeBytes: 0, unreadRetryMs: 20 });

    expect(spool.entries().map((e) => e.sopInstanceUID)).toEqual(['1.2.3.3']);
    expect((await spool.recovered).unread).toBe(2);
    expect(spool.status().unread).toMatchObject({ files: 2, reason: 'ELOOP' });
    expect(await spool.damaged()).toEqual([]);

    unblockFirst();
    await expect.poll(() => spool.entries().length, { timeout: 5000 }).toBe(2);
    expect(spool.status().unread).toMatchObject({ files: 1 });
    unblockSecond();
    await expect.poll(() => spool.entries().length, { timeout: 5000 }).toBe(3);
    expect(spool.status().unread).toBeUndefined();
  });

  it('is told once as long as nothing changes', async () => {
    await receive('1.2.3.1');
    const [only] = spool.entries();
    await spool.close();
    const unblock = block(only!.path);
    const problems: string[] = [];
    spool = await Spool.open(dir, { minFreeBytes: 0, unreadRetryMs: 5, awaitRecovery: false });
    spool.events.on('unread', (error) => problems.push(error.message));
    await spool.recovered;
    const { triedAt } = spool.status().unread!;
    await expect.poll(() => spool.status().unread!.triedAt, { timeout: 5000 }).not.toBe(triedAt);
    expect(problems).toEqual(['Recovery is incomplete: 1 file of the spool cannot be read (ELOOP).']);
    unblock();
  });
});
