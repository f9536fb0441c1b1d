import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { echo } from '../router/dimse/verification-scu.ts';
import { freePort } from './free-port.ts';

/** Where Orthanc is installed; undefined: it is not. */
export function orthancProgram(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  return folders.map((folder) => join(folder, 'Orthanc')).find((path) => existsSync(path));
}

const START_MS = 30_000;
const DICOMWEB = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';

export interface OrthancOptions {
  /** Kept over restarts. */
  folder: string;
  /** Whom it may send to, by AE title. */
  sendsTo?: { aeTitle: string; port: number }[];
  /** On top of the rest of its configuration. */
  settings?: Record<string, unknown>;
}

/** A real PACS in a process of its own, AE title PACS; DICOMweb where its plugin is installed. */
export class Orthanc {
  readonly port: number;
  /** Root of its REST API. */
  readonly rest: string;
  readonly #file: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, httpPort: number, file: string) {
    this.port = port;
    this.rest = `http://127.0.0.1:${httpPort}`;
    this.#file = file;
  }

  static async start({ folder, sendsTo = [], settings = {} }: OrthancOptions): Promise<Orthanc> {
    const [port, httpPort] = [await freePort(), await freePort()];
    await mkdir(folder, { recursive: true });
    const modalities = Object.fromEntries(
      sendsTo.map(({ aeTitle, port: at }) => [aeTitle.toLowerCase(), [aeTitle, '127.0.0.1', at]]),
    );
    const file = join(folder, 'orthanc.json');
    const configuration = {
      Name: 'PACS',
      DicomAet: 'PACS',
      DicomPort: port,
      HttpPort: httpPort,
      AuthenticationEnabled: false,
      RemoteAccessAllowed: false,
      DicomAlwaysAllowStore: true,
      DicomAlwaysAllowFind: true,
      DicomAlwaysAllowMove: true,
      DicomModalities: modalities,
      OverwriteInstances: true,
      StorageDirectory: join(folder, 'storage'),
      IndexDirectory: join(folder, 'storage'),
      ...(existsSync(DICOMWEB) && { Plugins: [DICOMWEB] }),
      ...settings,
    };
    await writeFile(file, JSON.stringify(configuration));
    const orthanc = new Orthanc(port, httpPort, file);
    await orthanc.up();
    return orthanc;
  }

  get address(): string {
    return `PACS@127.0.0.1:${this.port}`;
  }

  get peer() {
    return { host: '127.0.0.1', port: this.port, calledAE: 'PACS' };
  }

  /** Starts the process and waits until it answers. */
  async up(): Promise<void> {
    this.#process = spawn(orthancProgram()!, [this.#file], {
      env: { ...process.env, TCP_NODELAY: '1' },
      stdio: 'ignore',
    });
    for (const deadline = Date.now() + START_MS; ; ) {
      try {
        await echo({ ...this.peer, callingAE: 'TEST' });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** Pulls its plug. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.rest}${path}`)).json()) as T;
  }

  /** SOP Instance UIDs of everything that it keeps. */
  async sopInstanceUIDs(): Promise<string[]> {
    type Row = { MainDicomTags: { SOPInstanceUID: string } };
    const rows = await this.get<Row[]>('/instances?expand&limit=100000&since=0');
    return rows.map(({ MainDicomTags }) => MainDicomTags.SOPInstanceUID).sort();
  }

  /** Takes an instance out behind everybody's back. */
  async forget(sopInstanceUID: string): Promise<void> {
    const found = await fetch(`${this.rest}/tools/lookup`, { method: 'POST', body: sopInstanceUID });
    for (const { Path } of (await found.json()) as { Path: string }[])
      await fetch(`${this.rest}${Path}`, { method: 'DELETE' });
  }
}
