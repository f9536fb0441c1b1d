// Receives for ever into the spool of argv[2] over several receptions at once; prints each acknowledged instance. To be killed.
import { createReceiver } from '../../storage/receive.ts';
import { Spool } from '../../storage/spool.ts';
import { ctDataSet } from '../support/build-data-set.ts';

const [, , dir, run, logBytes] = process.argv as [string, string, string, string, string];
const spool = await Spool.open(dir, { minFreeBytes: 0, awaitRecovery: false, logBytes: Number(logBytes) });
const receiver = createReceiver(spool);
process.stdout.write('ready\n');

async function send(lane: number): Promise<never> {
  for (let n = 0; ; n++) {
    const sopInstanceUID = `1.2.${run}.${lane}.${n}`;
    const rows = 16 << (n % 6);
    const bytes = ctDataSet({
      sopInstanceUID,
      rows,
      columns: rows,
      pixels: Buffer.alloc(rows * rows * 2, lane * 31 + n),
    });
    const reception = receiver.beginDataSet(
      { via: 'c-store', callingAE: `LANE${lane}` },
      { transferSyntaxUID: '1.2.840.10008.1.2.1' },
    );
    for (let at = 0; at < bytes.length; at += 16384) {
      await reception.write(bytes.subarray(at, at + 16384));
      if (at % 65536 === 0) await new Promise(setImmediate);
    }
    const { size, dataSetSha256 } = await reception.finish();
    process.stdout.write(`${JSON.stringify({ sopInstanceUID, size, dataSetSha256 })}\n`);
  }
}
await Promise.all([0, 1, 2, 3].map(send));
