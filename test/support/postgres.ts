import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

/** Folder of PostgreSQL's server programs, the newest installed; null where there are none. */
export function postgresPrograms(): string | null {
  if (!existsSync(INSTALLED)) return null;
  const versions = readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a));
  const folder = versions
    .map((version) => join(INSTALLED, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
  return folder ?? null;
}

export interface PostgresServer {
  url: string;
  /** Stops the server and keeps its data; `up` starts it again on the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Stops it, when it runs, and removes everything. */
  stop(): Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** User and group id of `postgres`, under which the server must run when the tests run as root. */
function postgresUser(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith('postgres:'));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  if (!uid || !gid) throw new Error('there is no user postgres');
  return { uid, gid };
}

/** Starts a private, empty cluster in a temporary folder on a free port of 127.0.0.1; `stop` removes it. */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (!programs) throw new Error('PostgreSQL is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-postgres-'));
  const data = join(folder, 'data');
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    const { uid, gid } = postgresUser();
    chownSync(folder, uid, gid);
  }
  const program = (name: string, ...args: string[]) =>
    asRoot
      ? run('runuser', ['-u', 'postgres', '--', join(programs, name), ...args], { cwd: folder })
      : run(join(programs, name), args, { cwd: folder });
  try {
    await program('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync');
    const port = await freePort();
    const options = `-p ${port} -h 127.0.0.1 -k ${folder} -c fsync=off -c shared_buffers=256MB`;
    let running = false;
    const up = async () => {
      await program('pg_ctl', '-D', data, '-w', '-t', '60', '-l', join(folder, 'log'), '-o', options, 'start');
      running = true;
    };
    const down = async () => {
      if (running) await program('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
      running = false;
    };
    await up();
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      down,
      up,
      async stop() {
        await down();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
