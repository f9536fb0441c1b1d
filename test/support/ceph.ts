import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { StoreConfig } from '../../storage/stores/open-store.ts';

/**
 * A real S3 to test against: Ceph's monitor, one OSD and RADOS Gateway from Debian's packages (`ceph-mon ceph-osd
 * radosgw ceph-common`), in a temporary folder, without containers. One copy, no authentication inside: for tests only.
 */
export const ACCESS_KEY = 'AKTEST';
export const SECRET_KEY = 'SKTEST';

const DAEMONS = ['client.rgw.a', 'osd.0', 'mon.a'] as const;
export type Daemon = (typeof DAEMONS)[number];
const run = promisify(execFile);
const START_ATTEMPTS = 3;

/** Whether the packages are installed and this user may run them. */
export function cephAvailable(): boolean {
  const needed = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool', 'ceph'];
  return needed.every((name) => spawnSync('which', [name]).status === 0);
}

export class CephS3 {
  readonly endpoint: string;
  private readonly folder: string;
  private readonly config: string;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.config = join(folder, 'ceph.conf');
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  /** A new cluster. `memstore` is fastest and keeps nothing over a kill; `bluestore` survives kill -9. */
  static async start(store: 'memstore' | 'bluestore' = 'memstore'): Promise<CephS3> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await CephS3.startOnce(store);
      } catch (error) {
        // On a loaded machine the monitor may answer its first commands too late.
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  private static async startOnce(store: 'memstore' | 'bluestore'): Promise<CephS3> {
    const folder = mkdtempSync(join(tmpdir(), 'lifeboat-ceph-'));
    const port = await freePort();
    const ceph = new CephS3(folder, port);
    try {
      await ceph.create(port, await freePort(), store);
      await ceph.resume();
    } catch (error) {
      await ceph.stop();
      throw error;
    }
    return ceph;
  }

  /** Settings of a store in this cluster; the bucket is made by whoever opens it. */
  storeConfig(bucket: string): StoreConfig & { kind: 's3' } {
    return {
      kind: 's3',
      bucket,
      endpoint: this.endpoint,
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
      region: 'us-east-1',
    };
  }

  /** One more user of the store, who may do nothing until a bucket's policy says so. */
  async createUser(uid: string, accessKey: string, secretKey: string): Promise<void> {
    const keys = ['--access-key', accessKey, '--secret-key', secretKey];
    const user = ['-c', this.config, 'user', 'create', '--uid', uid, '--display-name', uid, ...keys];
    await retry(() => run('radosgw-admin', user));
  }

  /** kill -9, as a crash does it; `resume` brings back what was killed. */
  async kill(...daemons: Daemon[]): Promise<void> {
    for (const daemon of DAEMONS)
      if (daemons.length === 0 || daemons.includes(daemon)) await this.end(daemon, 'SIGKILL');
  }

  async resume(): Promise<void> {
    if (!this.pidOf('mon.a')) await run('ceph-mon', ['-c', this.config, '-i', 'a']);
    if (!this.pidOf('osd.0')) await retry(() => run('ceph-osd', ['-c', this.config, '-i', '0']));
    if (!existsSync(join(this.folder, 'user'))) await this.createPoolsAndUser();
    if (!this.pidOf('client.rgw.a')) await retry(() => run('radosgw', ['-c', this.config, '-n', 'client.rgw.a']));
    for (let i = 0; i < 600; i++) {
      const answer = await fetch(this.endpoint, { signal: AbortSignal.timeout(2000) }).catch(() => null);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`the gateway did not answer at ${this.endpoint}`);
  }

  async stop(): Promise<void> {
    for (const daemon of DAEMONS) await this.end(daemon, 'SIGTERM');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** The process id, only if that process is still ours: its command line names this cluster's configuration. */
  private pidOf(daemon: Daemon): number | null {
    try {
      const pid = Number(readFileSync(join(this.folder, 'run', `${daemon}.pid`), 'utf8'));
      return pid > 0 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.config) ? pid : null;
    } catch {
      return null;
    }
  }

  private async end(daemon: Daemon, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const pid = this.pidOf(daemon);
    if (!pid) return;
    process.kill(pid, signal);
    for (let i = 0; i < 200 && this.pidOf(daemon); i++) {
      if (i === 100) process.kill(pid, 'SIGKILL');
      await sleep(50);
    }
  }

  private async create(port: number, monitorPort: number, store: string): Promise<void> {
    for (const name of ['mon', 'osd/0', 'log', 'run', 'rgw']) mkdirSync(join(this.folder, name), { recursive: true });
    const fsid = randomUUID();
    writeFileSync(this.config, cephConfiguration(this.folder, fsid, port, monitorPort, store));
    const map = join(this.folder, 'monmap');
    const monitor = `v1:127.0.0.1:${monitorPort}`;
    const mapArguments = ['--create', '--addv', 'a', monitor, '--fsid', fsid, '--set-min-mon-release', 'pacific', map];
    await run('monmaptool', mapArguments);
    await run('ceph-mon', ['-c', this.config, '--mkfs', '-i', 'a', '--monmap', map]);
    await run('ceph-mon', ['-c', this.config, '-i', 'a']);
    const osd = randomUUID();
    this.ceph([`osd new ${osd}`, 'osd crush add osd.0 1.0 root=default host=localhost']);
    await run('ceph-osd', ['-c', this.config, '-i', '0', '--mkfs', '--osd-uuid', osd]);
  }

  private async createPoolsAndUser(): Promise<void> {
    const data = ['index', 'data', 'non-ec'].map((name) => `default.rgw.buckets.${name}`);
    const pools = ['.rgw.root', 'default.rgw.log', 'default.rgw.control', 'default.rgw.meta', ...data];
    this.ceph([
      ...pools.map((pool) => `osd pool create ${pool} 4 4`),
      ...pools.map((pool) => `osd pool application enable ${pool} rgw`),
    ]);
    const keys = ['--access-key', ACCESS_KEY, '--secret-key', SECRET_KEY];
    const user = ['-c', this.config, 'user', 'create', '--uid', 'lifeboat', '--display-name', 'lifeboat', ...keys];
    await retry(() => run('radosgw-admin', user));
    writeFileSync(join(this.folder, 'user'), '');
  }

  private ceph(commands: string[]): void {
    execFileSync('ceph', ['-c', this.config], {
      input: `${commands.join('\n')}\n`,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }
}

/** Without authentication a daemon's first command can reach the monitor before its map came back: try again. */
async function retry(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries >= 10) throw error;
      await sleep(100);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function cephConfiguration(folder: string, fsid: string, port: number, monitorPort: number, store: string): string {
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monitorPort}
mon data = ${folder}/mon/a
osd data = ${folder}/osd/$id
rgw data = ${folder}/rgw
log file = ${folder}/log/$name.log
pid file = ${folder}/run/$name.pid
admin socket = ${folder}/run/$name.asok
run dir = ${folder}/run
crash dir = ${folder}/log
keyring = /dev/null
auth cluster required = none
auth service required = none
auth client required = none
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush initial weight = 1
osd class update on start = false
osd crush update on start = false
paxos propose interval = 0.02
paxos min wait = 0.005
mon tick interval = 1
osd objectstore = ${store}
osd memory target = 939524096
bluestore block create = true
bluestore block size = 21474836480
memstore device bytes = 4294967296
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw dns name = localhost
rgw crypt require ssl = false
rgw run sync thread = false
rgw dynamic resharding = false
rgw override bucket index max shards = 1
`;
}
