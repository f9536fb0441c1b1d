import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomNumbers } from '../../phantoms/drawing.ts';
import { Spool } from '../../storage/spool.ts';
import { temporaryFolder } from '../support/receiving.ts';

const kills = process.env.LIFEBOAT_LONG ? 400 : 15;
const seed = Number(process.env.LIFEBOAT_SEED ?? 20260102);

interface Acknowledged {
  sopInstanceUID: string;
  size: number;
  dataSetSha256: string;
}

const child = join(import.meta.dirname, 'spool-child.ts');

/** Starts a receiving process, kills it after `ms` and returns what it had acknowledged by then. */
function receiveAndKill(dir: string, run: number, ms: number, logBytes: number): Promise<Acknowledged[]> {
  return new Promise((resolve, reject) => {
    const receiver = spawn(process.execPath, [child, dir, String(run), String(logBytes)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let complaint = '';
    let timed = false;
    // At times from the start, when old entries are still being verified, at times when something has been acknowledged.
    const from = run % 2 === 0 ? 0 : 'ready\n'.length;
    receiver.stdout.on('data', (chunk) => {
      out += chunk;
      if (timed || out.length <= from) return;
      timed = true;
      setTimeout(() => receiver.kill('SIGKILL'), ms);
    });
    receiver.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    receiver.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the receiving process ended by itself: ${complaint}`));
      // The last line may be cut: it was never seen, so it was never acknowledged.
      else
        resolve(
          out
            .split('\n')
            .slice(1, -1)
            .map((line) => JSON.parse(line) as Acknowledged),
        );
    });
  });
}

describe.each([
  ['into files', 0],
  ['into the log', 64 * 1024 * 1024],
])('kill -9 while receiving %s', (_where, logBytes) => {
  let dir: string;
  beforeEach(() => {
    dir = temporaryFolder();
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it(
    `${kills} times (seed ${seed}): every acknowledged instance is there exactly once, nothing torn is listed`,
    async () => {
      const next = randomNumbers(seed);
      const acknowledged = new Map<string, Acknowledged>();
      for (let run = 0; run < kills; run++) {
        for (const one of await receiveAndKill(dir, run, 20 + next() * 180, logBytes))
          acknowledged.set(one.sopInstanceUID, one);
        if (run % 5 !== 4 && run !== kills - 1) continue;
        const spool = await Spool.open(dir, { minFreeBytes: 0, logBytes });
        const report = await spool.recovered;
        expect(report.damaged).toEqual([]);
        const entries = new Map(spool.entries().map((e) => [e.sopInstanceUID, e]));
        expect(entries.size).toBe(spool.entries().length);
        for (const [uid, { size, dataSetSha256 }] of acknowledged) {
          expect(entries.get(uid), uid).toMatchObject({ size, dataSetSha256 });
        }
        for (const entry of entries.values()) {
          expect(createHash('sha256').update(readFileSync(entry.path)).digest('hex')).toBe(entry.sha256);
          await spool.remove(entry);
        }
        expect(
          readdirSync(dir)
            .filter((n) => n !== 'log')
            .sort(),
        ).toEqual(['damaged', 'lock']);
        await spool.close();
        expect(acknowledged.size).toBeGreaterThan(0);
        acknowledged.clear();
      }
    },
    kills * 4000,
  );
});
