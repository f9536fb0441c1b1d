import { closeSync, cpSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReceiver } from '../../storage/receive.ts';
import { Spool } from '../../storage/spool.ts';
import { PAGE_BYTES, readRecordPage, readSegmentPage, SEGMENT_BYTES } from '../../storage/spool-log-format.ts';
import { ctDataSet } from '../support/build-data-set.ts';
import { feed, temporaryFolder } from '../support/receiving.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const LOG_BYTES = 8 * SEGMENT_BYTES;
let dir: string;
let spool: Spool;

const logPath = () => join(dir, 'log');
const files = (of = dir) => readdirSync(of).filter((n) => n.endsWith('.dcm') || n.endsWith('.part'));
const open = (folder: string) => Spool.open(folder, { minFreeBytes: 0, logBytes: LOG_BYTES });
const dataSet = (sopInstanceUID: string, bytes = 20_000) =>
  ctDataSet({ sopInstanceUID, rows: 1, columns: 1, pixels: Buffer.alloc(bytes, sopInstanceUID) });
const receive = (sopInstanceUID: string, bytes?: number) =>
  feed(
    createReceiver(spool).beginDataSet({ via: 'c-store', callingAE: 'CT 1' }, { transferSyntaxUID: EXPLICIT }),
    dataSet(sopInstanceUID, bytes),
  );

/** The first instance goes into a file; the log is made meanwhile. */
async function untilLogIsUsed(): Promise<void> {
  await receive('1.0');
  await expect.poll(() => statSync(logPath()).size, { timeout: 5000 }).toBeGreaterThanOrEqual(2 * SEGMENT_BYTES);
  await spool.unpacked();
  for (const entry of spool.entries()) await spool.remove(entry);
}

/** What a start would find had the machine stopped now. */
function crashed(): string {
  const copy = temporaryFolder();
  cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('lock') });
  return copy;
}

/** Changes one byte of the log at the first place where `bytes` stand. */
function flipInLog(bytes: Buffer): void {
  const log = readFileSync(logPath());
  const at = log.indexOf(bytes);
  expect(at).toBeGreaterThan(0);
  const page = Buffer.from(log.subarray(at - (at % PAGE_BYTES), at - (at % PAGE_BYTES) + PAGE_BYTES));
  page[at % PAGE_BYTES]! ^= 1;
  const fd = openSync(logPath(), 'r+');
  writeSync(fd, page, 0, PAGE_BYTES, at - (at % PAGE_BYTES));
  closeSync(fd);
}

beforeEach(async () => {
  dir = temporaryFolder();
  spool = await open(dir);
});
afterEach(async () => {
  await spool.close();
  rmSync(dir, { recursive: true });
});

describe('the log of the spool', () => {
  it('takes an instance without making a file, counts it at once, and gives it a file when the sender pauses', async () => {
    await untilLogIsUsed();
    const received = await receive('1.1');
    expect(files()).toEqual([]);
    expect(spool.entries()).toEqual([]);
    expect(spool.status()).toMatchObject({ entries: 1, bytes: received.size, oldest: expect.any(String) });
    const [entry] = await new Promise<[{ path: string; sopInstanceUID: string }]>((resolve) =>
      spool.events.once('entry', (one) => resolve([one])),
    );
    expect(entry.sopInstanceUID).toBe('1.1');
    expect(readFileSync(entry.path).subarray(-dataSet('1.1').length).equals(dataSet('1.1'))).toBe(true);
    expect(spool.status()).toMatchObject({ entries: 1, bytes: received.size });
  });

  it('gives all of them back after a crash, bit for bit, once', async () => {
    await untilLogIsUsed();
    const uids = Array.from({ length: 40 }, (_, i) => `1.4.${i}`);
    const sizeOf = (i: number) => 2 * ((i * 7919) % 150_000) + 2;
    await Promise.all(uids.map((uid, i) => receive(uid, sizeOf(i))));
    const copy = crashed();
    expect(files(copy).length).toBeLessThan(40);
    const again = await Spool.open(copy, { minFreeBytes: 0, logBytes: LOG_BYTES, awaitRecovery: false });
    expect(again.status().entries, 'nobody may take a spool for empty that is being read').toBeGreaterThan(0);
    expect(await again.recovered).toMatchObject({ damaged: [], unread: 0 });
    expect(again.status().entries).toBe(40);
    expect(
      again
        .entries()
        .map((e) => e.sopInstanceUID)
        .sort(),
    ).toEqual([...uids].sort());
    for (const entry of again.entries()) {
      const expected = dataSet(entry.sopInstanceUID, sizeOf(uids.indexOf(entry.sopInstanceUID)));
      expect(readFileSync(entry.path).subarray(entry.dataSetOffset).equals(expected)).toBe(true);
      expect(entry.source).toEqual({ via: 'c-store', callingAE: 'CT 1' });
    }
    for (const entry of again.entries()) await again.remove(entry);
    await again.close();
    const third = await open(copy);
    expect(third.entries()).toEqual([]);
    await third.close();
    rmSync(copy, { recursive: true });
  });

  it('hands nothing over that is not what was acknowledged, and says so', async () => {
    await untilLogIsUsed();
    await receive('1.5');
    await receive('1.6');
    flipInLog(dataSet('1.5').subarray(-64));
    await spool.unpacked();
    expect(spool.entries().map((e) => e.sopInstanceUID)).toEqual(['1.6']);
    const [report] = await spool.damaged();
    expect(report).toMatchObject({
      reason: expect.stringContaining('hash'),
      expected: { source: { callingAE: 'CT 1' } },
    });
    expect(files(join(dir, 'damaged'))).toHaveLength(1);
    expect(spool.status().entries).toBe(1);
  });

  it('reports a record that a crash left torn', async () => {
    await untilLogIsUsed();
    await receive('1.5');
    flipInLog(dataSet('1.5').subarray(-64));
    const copy = crashed();
    const again = await open(copy);
    expect((await again.recovered).damaged).toHaveLength(1);
    expect(again.entries()).toEqual([]);
    await again.close();
    rmSync(copy, { recursive: true });
  });

  it('lets an instance that becomes large go on in a file of its own', async () => {
    await untilLogIsUsed();
    const large = 11 * 1024 * 1024;
    await Promise.all([receive('1.7', large), receive('1.8', 600_000)]);
    // The other one may have been unpacked meanwhile.
    expect(spool.entries().map((e) => e.sopInstanceUID)).toContain('1.7');
    await spool.unpacked();
    const paths = new Map(spool.entries().map((e) => [e.sopInstanceUID, e.path]));
    expect(readFileSync(paths.get('1.7')!).subarray(-large).equals(dataSet('1.7', large).subarray(-large))).toBe(true);
    expect(readFileSync(paths.get('1.8')!).subarray(-600_000).equals(dataSet('1.8', 600_000).subarray(-600_000))).toBe(
      true,
    );
  });

  it('keeps nothing of what was aborted, and uses the place again', async () => {
    await untilLogIsUsed();
    for (let i = 0; i < 30; i++) {
      const reception = createReceiver(spool).beginDataSet({ via: 'c-store' }, { transferSyntaxUID: EXPLICIT });
      const bytes = dataSet(`1.9.${i}`, 900_000);
      const writing = reception.write(bytes.subarray(0, 30_000 * (i + 1)));
      reception.abort();
      await writing?.catch(() => undefined);
      await receive(`1.10.${i}`, 300_000);
    }
    await spool.unpacked();
    expect(
      spool
        .entries()
        .map((e) => e.sopInstanceUID)
        .every((uid) => uid.startsWith('1.10.')),
    ).toBe(true);
    expect(spool.entries()).toHaveLength(30);
    expect(await spool.damaged()).toEqual([]);
  });

  it('falls back to files when it is full, and is empty again after a pause', async () => {
    await untilLogIsUsed();
    const count = (LOG_BYTES * 1.2) / 1_000_000;
    for (let i = 0; i < count; i++) await receive(`1.11.${i}`, 1_000_000);
    await spool.unpacked();
    expect(spool.entries()).toHaveLength(Math.ceil(count));
    expect(statSync(logPath()).size).toBeLessThanOrEqual(LOG_BYTES);
    const page = Buffer.alloc(PAGE_BYTES);
    const fd = openSync(logPath(), 'r');
    for (let at = 0; at < statSync(logPath()).size; at += SEGMENT_BYTES) {
      readSync(fd, page, 0, PAGE_BYTES, at);
      expect(readSegmentPage(page)).toBeNull();
    }
    closeSync(fd);
  });

  it('takes no image for a record, though it has the form of one', async () => {
    await untilLogIsUsed();
    await receive('1.12', 20_000);
    const log = readFileSync(logPath());
    const pages = Array.from({ length: log.length / PAGE_BYTES }, (_, i) =>
      log.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES),
    );
    const segment = pages.find((page) => readSegmentPage(page))!;
    const record = pages.find((page) => readRecordPage(page, readSegmentPage(segment)!))!;
    await spool.unpacked();
    const forged = Buffer.concat(Array.from({ length: 64 }, () => record));
    await feed(
      createReceiver(spool).beginDataSet({ via: 'c-store' }, { transferSyntaxUID: EXPLICIT }),
      ctDataSet({ sopInstanceUID: '1.13', rows: 1, columns: 1, pixels: forged }),
    );
    const copy = crashed();
    const again = await open(copy);
    expect((await again.recovered).damaged).toEqual([]);
    expect(
      again
        .entries()
        .map((e) => e.sopInstanceUID)
        .sort(),
    ).toEqual(['1.12', '1.13']);
    await again.close();
    rmSync(copy, { recursive: true });
  });
});
