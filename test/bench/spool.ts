// Receiving alone, without a network: 500 CT-like data sets of 512 KiB, acknowledged one after another and by 8 senders at once,
// beside the floor of this disk (write, rename, fsync of the same bytes). Usage: node test/bench/spool.ts [FOLDER]
import { closeSync, fsync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createReceiver } from '../../storage/receive.ts';
import { Spool } from '../../storage/spool.ts';
import { ctDataSet } from '../support/build-data-set.ts';

const COUNT = 500;
const CHUNK = 64 * 1024;
const base = process.argv[2] ?? tmpdir();
const sync = promisify(fsync);
const dataSets = Array.from({ length: 32 }, (_, i) =>
  ctDataSet({ sopInstanceUID: `1.2.3.${i}`, rows: 512, columns: 512, pixels: Buffer.alloc(512 * 512 * 2, i) }),
);

async function inFolder(run: (dir: string) => Promise<void>): Promise<number> {
  const dir = mkdtempSync(join(base, 'lifeboat-bench-'));
  try {
    const start = performance.now();
    await run(dir);
    return performance.now() - start;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const floor = () =>
  inFolder(async (dir) => {
    const folder = openSync(dir, 'r');
    for (let i = 0; i < COUNT; i++) {
      const path = join(dir, `${i}`);
      const fd = openSync(`${path}.part`, 'wx');
      writeSync(fd, dataSets[i % 32]!);
      renameSync(`${path}.part`, path);
      await Promise.all([sync(fd), sync(folder)]);
      closeSync(fd);
    }
    closeSync(folder);
  });

const receive = (senders: number) =>
  inFolder(async (dir) => {
    const spool = await Spool.open(dir, { minFreeBytes: 0 });
    const receiver = createReceiver(spool);
    const send = async (first: number) => {
      for (let i = first; i < COUNT; i += senders) {
        const bytes = dataSets[i % 32]!;
        const reception = receiver.beginDataSet({ via: 'c-store' }, { transferSyntaxUID: '1.2.840.10008.1.2.1' });
        for (let at = 0; at < bytes.length; at += CHUNK) await reception.write(bytes.subarray(at, at + CHUNK));
        await reception.finish();
      }
    };
    await Promise.all(Array.from({ length: senders }, (_, i) => send(i)));
    await spool.close();
  });

for (let round = 1; round <= 3; round++) {
  const results = {
    'floor, one after another': await floor(),
    'one sender': await receive(1),
    '8 senders': await receive(8),
  };
  for (const [name, ms] of Object.entries(results))
    process.stdout.write(`round ${round}: ${name}: ${ms.toFixed(0)} ms\n`);
}
