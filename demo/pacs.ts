import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { startDimseServer } from '../router/dimse/server.ts';
import { echo } from '../router/dimse/verification-scu.ts';
import type { Reception } from '../storage/receive-types.ts';
import { freePort } from './free-port.ts';
import { orthancProgram } from './orthanc.ts';

/** The demo's main PACS, which is going to fail. */
export interface DemoPacs {
  /** For people: what plays it. */
  kind: string;
  aeTitle: string;
  port: number;
  /** Pulls the plug. */
  stop(): Promise<void>;
}

const AE_TITLE = 'PACS';
const ORTHANC_START_MS = 20_000;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Orthanc where it is installed, otherwise a stand-in of ours that answers C-ECHO and takes C-STORE. */
export async function startPacs(folder: string): Promise<DemoPacs> {
  const program = orthancProgram();
  return program ? startOrthanc(program, folder) : startStandIn();
}

async function startOrthanc(program: string, folder: string): Promise<DemoPacs> {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const configuration = {
    Name: AE_TITLE,
    DicomAet: AE_TITLE,
    DicomPort: port,
    HttpPort: await freePort(),
    RemoteAccessAllowed: false,
    DicomAlwaysAllowStore: true,
    DicomAlwaysAllowEcho: true,
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'index'),
    OverwriteInstances: true,
  };
  const file = join(folder, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration));
  const child = spawn(program, [file], { stdio: 'ignore', env: { ...process.env, TCP_NODELAY: '1' } });
  const deadline = Date.now() + ORTHANC_START_MS;
  for (;;) {
    const answer = await echo({ host: '127.0.0.1', port, calledAE: AE_TITLE, callingAE: 'LIFEBOAT' }).then(
      () => true,
      () => false,
    );
    if (answer) break;
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      return startStandIn();
    }
    await pause(200);
  }
  return { kind: 'Orthanc', aeTitle: AE_TITLE, port, stop: () => kill(child) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}

/** Counts bytes and forgets them: the demo's PACS needs to accept, not to keep. */
function forgetful(announced: {
  sopClassUID?: string;
  sopInstanceUID?: string;
  transferSyntaxUID?: string;
}): Reception {
  let size = 0;
  return {
    write: (chunk) => {
      size += chunk.length;
    },
    finish: async () => ({
      studyInstanceUID: '',
      seriesInstanceUID: '',
      sopInstanceUID: announced.sopInstanceUID ?? '',
      sopClassUID: announced.sopClassUID ?? '',
      transferSyntaxUID: announced.transferSyntaxUID ?? '',
      size,
      sha256: '',
      dataSetSha256: '',
    }),
    abort: () => undefined,
  };
}

async function startStandIn(): Promise<DemoPacs> {
  const server = await startDimseServer({
    config: {
      aeTitle: AE_TITLE,
      dicomPort: 0,
      acceptAnyCalledAE: true,
      maxAssociations: 16,
      idleTimeoutMs: 60_000,
      artimTimeoutMs: 30_000,
    },
    receiver: {
      beginDataSet: (_source, announced) => forgetful(announced),
      beginFile: (_source, announced) => forgetful(announced ?? {}),
    },
    access: { senderAllowed: () => true, refused: () => undefined, audit: () => undefined },
    log: pino({ level: 'silent' }),
  });
  return { kind: 'a stand-in', aeTitle: AE_TITLE, port: server.port, stop: () => server.close(0) };
}
