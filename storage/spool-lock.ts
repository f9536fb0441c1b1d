import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LifeboatError } from '../contract/errors.ts';

const LockOwner = z.object({ pid: z.number(), started: z.string(), host: z.string(), token: z.string() });
type LockOwner = z.infer<typeof LockOwner>;

const HEARTBEAT_MS = 4000;
const FOREIGN_SILENCE_MS = 3 * HEARTBEAT_MS;

/** Boot id and start time of a process on Linux: tells a living owner from another process that got its number. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readOwner(path: string): { owner: LockOwner | null; text: string; mtimeMs: number } | null {
  try {
    const mtimeMs = statSync(path).mtimeMs;
    const text = readFileSync(path, 'utf8');
    let parsed: unknown = null;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = null;
    }
    return { owner: LockOwner.safeParse(parsed).data ?? null, text, mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** True when the owner named in the lock certainly runs; an owner on another host (container) is watched for its heartbeat. */
async function isHeld(path: string, found: { owner: LockOwner | null; mtimeMs: number }): Promise<boolean> {
  const { owner } = found;
  if (!owner) return false;
  if (owner.host === hostname()) return isAlive(owner.pid) && startOf(owner.pid) === owner.started;
  if (Date.now() - found.mtimeMs > FOREIGN_SILENCE_MS) return false;
  await sleep(FOREIGN_SILENCE_MS);
  const now = readOwner(path);
  return now !== null && now.mtimeMs !== found.mtimeMs;
}

/**
 * One process per spool folder: `lock` names its owner. A lock whose owner died (kill -9, power cut) is taken over.
 * Throws CONFIG_INVALID naming the folder and the owner when it is in use.
 */
export async function lockFolder(dir: string): Promise<{ release(): void }> {
  const path = join(dir, 'lock');
  const own: LockOwner = {
    pid: process.pid,
    started: startOf(process.pid),
    host: hostname(),
    token: randomBytes(8).toString('hex'),
  };
  const text = `${JSON.stringify(own)}\n`;
  const mine = join(dir, `lock.${own.token}`);
  writeFileSync(mine, text);
  try {
    for (;;) {
      try {
        linkSync(mine, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const found = readOwner(path);
      if (!found) continue;
      if (await isHeld(path, found)) {
        throw new LifeboatError(
          'CONFIG_INVALID',
          `The spool folder ${dir} is in use by process ${found.owner?.pid} on ${found.owner?.host}; stop that one first or choose another data folder.`,
        );
      }
      removeStale(path, `${mine}.stale`, found.text);
    }
  } finally {
    unlinkSync(mine);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // The folder is gone or read-only: receiving itself reports that with a readable error.
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release() {
      clearInterval(heartbeat);
      if (readOwner(path)?.owner?.token === own.token) unlinkSync(path);
    },
  };
}

/** Takes the dead owner's lock away, and puts it back when another starter was quicker and it is a living one's by now. */
function removeStale(path: string, aside: string, staleText: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (readFileSync(aside, 'utf8') !== staleText) linkSync(aside, path);
  } finally {
    unlinkSync(aside);
  }
}
