import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { echo } from '../../router/dimse/verification-scu.ts';
import { freePort } from '../bench/receivers.ts';

export const hasWlmscpfs = spawnSync('which', ['wlmscpfs']).status === 0;

export interface Order {
  name: string;
  id: string;
  accession: string;
  study: string;
  station: string;
  modality: string;
  /** YYYYMMDD */
  date: string;
  /** HHMMSS */
  time: string;
  description?: string;
  /** Of `name`; default ISO_IR 100. */
  charset?: string;
}

/** A RIS as far as its worklist goes: DCMTK's wlmscpfs over a folder of orders. */
export class FileRis {
  readonly port: number;
  readonly #folder: string;
  #child: ReturnType<typeof spawn> | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** @param folder an empty one */
  static async start(folder: string): Promise<FileRis> {
    const ris = new FileRis(folder, await freePort());
    mkdirSync(join(folder, 'RIS'), { recursive: true });
    writeFileSync(join(folder, 'RIS', 'lockfile'), '');
    await ris.resume();
    return ris;
  }

  /** In place of all orders that there were. */
  orders(orders: readonly Order[]): void {
    const lists = join(this.#folder, 'RIS');
    for (const name of readdirSync(lists)) if (name.endsWith('.wl')) rmSync(join(lists, name));
    for (const [i, order] of orders.entries()) {
      const text = join(this.#folder, 'order.dump');
      writeFileSync(text, dumpOf(order, i), order.charset === 'ISO_IR 192' ? 'utf8' : 'latin1');
      const made = spawnSync('dump2dcm', ['-q', text, join(lists, `order-${i}.wl`)]);
      if (made.status !== 0) throw new Error(`dump2dcm: ${made.stderr}`);
    }
  }

  async resume(): Promise<void> {
    this.#child = spawn('wlmscpfs', ['-dfp', this.#folder, String(this.port)], { stdio: 'ignore' });
    for (const deadline = Date.now() + 10_000; ; ) {
      try {
        await echo({ host: '127.0.0.1', port: this.port, calledAE: 'RIS', callingAE: 'TEST' });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

function dumpOf(order: Order, number: number): string {
  return `
(0008,0005) CS [${order.charset ?? 'ISO_IR 100'}]
(0008,0050) SH [${order.accession}]
(0010,0010) PN [${order.name}]
(0010,0020) LO [${order.id}]
(0010,0030) DA [19600102]
(0010,0040) CS [F]
(0020,000d) UI [${order.study}]
(0032,1060) LO [${order.description ?? 'A procedure'}]
(0040,1001) SH [RP${number}]
(0040,0100) SQ
(fffe,e000) -
(0008,0060) CS [${order.modality}]
(0040,0001) AE [${order.station}]
(0040,0002) DA [${order.date}]
(0040,0003) TM [${order.time}]
(0040,0007) LO [${order.description ?? 'A step'}]
(0040,0009) SH [SPS${number}]
(fffe,e00d) -
(fffe,e0dd) -
`;
}
