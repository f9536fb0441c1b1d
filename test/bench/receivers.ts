import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { echo } from '../../router/dimse/verification-scu.ts';

/** A running DICOM receiver in a process of its own. */
export interface RunningReceiver {
  name: string;
  port: number;
  calledAE: string;
  /** Highest resident memory of the process so far, MiB. */
  peakMiB(): number;
  /** Resolves when it has no work left from what it acknowledged. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Without it DCMTK and Orthanc answer in two small writes and wait 40 ms for each image's delayed acknowledgement. */
const noDelay = { ...process.env, TCP_NODELAY: '1' };

const projectRoot = resolve(import.meta.dirname, '../..');

/** A free TCP port of the loopback, for programs that cannot pick one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function peakMiB(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

async function running(
  name: string,
  calledAE: string,
  port: number,
  child: ChildProcess,
  settled: () => Promise<void>,
): Promise<RunningReceiver> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await echo({ host: '127.0.0.1', port, calledAE, callingAE: 'BENCH' });
      break;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${name} did not start`, { cause: error });
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  return {
    name,
    port,
    calledAE,
    peakMiB: () => peakMiB(child.pid!),
    settled,
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

const atOnce = async (): Promise<void> => {};

/** The whole router as `lifeboat serve` runs it, with its embedded store below `folder`. */
export async function startLifeboat(
  folder: string,
  nodeOptions: string[] = [],
  settings: Record<string, string> = {},
): Promise<RunningReceiver & { httpPort: number }> {
  const port = await freePort();
  const httpPort = await freePort();
  const child = spawn('node', [...nodeOptions, join(projectRoot, 'bin/lifeboat.mjs'), 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      LIFEBOAT_DATA: join(folder, 'data'),
      LIFEBOAT_HTTP_PORT: String(httpPort),
      LIFEBOAT_DICOM_PORT: String(port),
      LIFEBOAT_ACCEPT_AE: '*',
      LIFEBOAT_LOG_LEVEL: 'warn',
      ...settings,
    },
  });
  const receiver = await running('lifeboat', 'LIFEBOAT', port, child, async () => {
    const deadline = Date.now() + 60_000;
    while ((await spoolEntries(httpPort)) > 0 && Date.now() < deadline) {
      await new Promise((done) => setTimeout(done, 200));
    }
  });
  return { ...receiver, httpPort };
}

/** Instances that are acknowledged and not yet in the store, as the router's metrics say. */
async function spoolEntries(httpPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  return Number(/^lifeboat_spool_entries (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

/** DCMTK's storescp, one process, files written and not synced. */
export async function startStorescp(folder: string, fork: boolean): Promise<RunningReceiver> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const args = [...(fork ? ['--fork'] : []), '-aet', 'STORESCP', '-od', folder, String(port)];
  const child = spawn('storescp', args, { stdio: 'ignore', env: noDelay });
  return running('storescp', 'STORESCP', port, child, atOnce);
}

/** Orthanc with its defaults, SQLite index, no plugins. */
export async function startOrthanc(folder: string): Promise<RunningReceiver> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'orthanc.json');
  const configuration = {
    DicomAet: 'ORTHANC',
    DicomPort: port,
    HttpPort: await freePort(),
    DicomAlwaysAllowStore: true,
    DicomAlwaysAllowEcho: true,
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'storage'),
    OverwriteInstances: true,
    AuthenticationEnabled: false,
  };
  writeFileSync(file, JSON.stringify(configuration));
  const child = spawn('Orthanc', [file], { stdio: 'ignore', env: noDelay });
  return running('Orthanc', 'ORTHANC', port, child, atOnce);
}

/** dcmjs-dimse with its streaming store, writing to `folder` without sync. */
export async function startDcmjsDimse(folder: string): Promise<RunningReceiver> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const script = join(import.meta.dirname, 'dcmjs-dimse-receive.ts');
  const child = spawn('node', [script, String(port), folder], { stdio: ['ignore', 'ignore', 'ignore'] });
  return running('dcmjs-dimse', 'DCMJS', port, child, atOnce);
}

/** Sends every file of a folder with DCMTK's storescu over one association; resolves with the ms it took. */
export async function storescu(receiver: RunningReceiver, folder: string): Promise<number> {
  const begin = performance.now();
  const args = ['-aet', 'BENCH', '-aec', receiver.calledAE, '127.0.0.1', String(receiver.port), '+sd', folder];
  const child = spawn('storescu', args, {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: noDelay,
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`storescu into ${receiver.name} ended with ${code}`);
  return performance.now() - begin;
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
