import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { RefusalRow } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { type DimseServer, type DimseServerContext, startDimseServer } from '../../router/dimse/server.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { Announced, ReceivedInstance, Receiver, Reception } from '../../storage/receive-types.ts';

/** What the small receiver kept. */
export interface Kept {
  source: ReceiveSource;
  announced: Announced;
  path: string;
  size: number;
  sha256: string;
}

export interface SmallReceiver extends Receiver {
  kept: Kept[];
  /** Receptions begun and neither finished nor aborted. */
  open(): number;
  /** Makes the next reception of this SOP instance fail: 'write' after its first bytes, 'finish' at the end. */
  failOn: Map<string, { at: 'write' | 'finish'; error: LifeboatError }>;
  /** Waits this long in `finish`. */
  finishDelayMs: number;
  close(): void;
}

/**
 * A receiver for tests of the DICOM port alone: writes the data set to a file, fsyncs it, and remembers hash and
 * announcement. It parses nothing.
 */
export function smallReceiver(): SmallReceiver {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-dimse-'));
  let next = 0;
  let open = 0;
  const receiver: SmallReceiver = {
    kept: [],
    open: () => open,
    failOn: new Map(),
    finishDelayMs: 0,
    close: () => rmSync(folder, { recursive: true, force: true }),
    beginFile: () => {
      throw new LifeboatError('INTERNAL');
    },
    beginDataSet(source, announced): Reception {
      const path = join(folder, `${next++}.part`);
      const file = openSync(path, 'wx');
      const hash = createHash('sha256');
      const fault = receiver.failOn.get(announced.sopInstanceUID ?? '');
      let size = 0;
      let over = false;
      open++;
      const close = () => {
        if (over) return;
        over = true;
        open--;
        closeSync(file);
      };
      return {
        write(chunk) {
          if (over) throw new Error('write after the end of the reception');
          if (fault?.at === 'write') throw fault.error;
          hash.update(chunk);
          size += chunk.length;
          writeSync(file, chunk);
        },
        async finish(): Promise<ReceivedInstance> {
          if (receiver.finishDelayMs > 0) await new Promise((done) => setTimeout(done, receiver.finishDelayMs));
          if (fault?.at === 'finish') throw fault.error;
          fsyncSync(file);
          close();
          const kept = path.replace('.part', '.ds');
          renameSync(path, kept);
          const sha256 = hash.digest('hex');
          receiver.kept.push({ source, announced, path: kept, size, sha256 });
          return {
            studyInstanceUID: '1.2',
            seriesInstanceUID: '1.2.3',
            sopInstanceUID: announced.sopInstanceUID ?? '',
            sopClassUID: announced.sopClassUID ?? '',
            transferSyntaxUID: announced.transferSyntaxUID,
            size,
            dataSetSha256: sha256,
          };
        },
        abort() {
          if (over) return;
          close();
          unlinkSync(path);
        },
      };
    },
  };
  return receiver;
}

export type TestServer = DimseServer & {
  receiver: SmallReceiver;
  refusals: Array<Omit<RefusalRow, 'at'>>;
  audited: string[];
  stop(): Promise<void>;
};

/** A DICOM port on a free port of the loopback with the small receiver; every sender but 'STRANGER' may associate. */
export async function testServer(config: Partial<DimseServerContext['config']> = {}): Promise<TestServer> {
  const receiver = smallReceiver();
  const refusals: TestServer['refusals'] = [];
  const audited: string[] = [];
  const server = await startDimseServer({
    config: {
      aeTitle: 'LIFEBOAT',
      dicomPort: 0,
      maxAssociations: 64,
      artimTimeoutMs: 5_000,
      idleTimeoutMs: 20_000,
      ...config,
    },
    receiver,
    access: {
      senderAllowed: (title) => title !== 'STRANGER',
      refused: (row) => refusals.push(row),
      audit: (event) => audited.push(`${event.action} ${event.user} ${event.detail}`),
    },
    log: pino({ level: process.env.LIFEBOAT_TEST_LOG ?? 'silent' }),
  });
  return Object.assign(server, {
    receiver,
    refusals,
    audited,
    stop: async () => {
      await server.close(2_000);
      receiver.close();
    },
  });
}
