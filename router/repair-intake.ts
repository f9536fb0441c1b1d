import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { LifeboatError } from '../contract/errors.ts';
import type { InstanceEntry, ReceiveSource } from '../storage/format/manifest.ts';
import { buildFileHeader } from '../storage/format/part10.ts';
import type { Announced, ReceivedInstance, Receiver, Reception } from '../storage/receive-types.ts';

interface Wanted {
  entry: InstanceEntry;
  /** AE title that was asked for it. */
  from: string;
  path: string;
  came: 'not' | 'right' | 'other';
}

/**
 * Stands before the archive and takes what a repair has asked a PACS to send (C-MOVE). Such an instance goes to a file of the
 * repair and is acknowledged only when its data set has the hash that the manifest names; another content is refused, so that
 * asking for a repair never brings a second version of an image into the archive. Everything else goes on to the archive.
 */
export class RepairIntake {
  readonly #wanted = new Map<string, Wanted>();

  before(archive: Receiver): Receiver {
    return {
      beginDataSet: (source, announced) => {
        const wanted = this.#wantedOf(source, announced);
        return wanted ? reception(wanted, announced) : archive.beginDataSet(source, announced);
      },
      beginFile: (source, announced) => archive.beginFile(source, announced),
    };
  }

  /**
   * Has an instance sent here.
   * @param path where it is put, as a Part 10 file
   * @param ask makes the PACS send it; resolves when the PACS has done so
   */
  async take(entry: InstanceEntry, from: string, path: string, ask: () => Promise<void>): Promise<Wanted['came']> {
    if (this.#wanted.has(entry.sopInstanceUID))
      throw new LifeboatError('STORE_UNAVAILABLE', ': this image is being asked for already');
    const wanted: Wanted = { entry, from, path, came: 'not' };
    this.#wanted.set(entry.sopInstanceUID, wanted);
    try {
      await ask();
    } catch (error) {
      if (wanted.came === 'not') throw error;
    } finally {
      this.#wanted.delete(entry.sopInstanceUID);
    }
    return wanted.came;
  }

  #wantedOf(source: ReceiveSource, { sopInstanceUID }: Announced): Wanted | undefined {
    const wanted = this.#wanted.get(sopInstanceUID ?? '');
    return wanted && source.callingAE?.trim() === wanted.from ? wanted : undefined;
  }
}

/** Takes a data set into a Part 10 file with a header of ours. */
function reception(wanted: Wanted, { transferSyntaxUID }: Announced): Reception {
  const { entry, path } = wanted;
  const { sopClassUID, sopInstanceUID, studyInstanceUID, seriesInstanceUID } = entry;
  const hash = createHash('sha256');
  const file = new FileTaker(path);
  const header = file.write(buildFileHeader({ sopClassUID, sopInstanceUID, transferSyntaxUID }));
  header.catch(() => undefined);
  let size = 0;
  return {
    async write(chunk) {
      hash.update(chunk);
      size += chunk.length;
      await header;
      await file.write(chunk);
    },
    async finish(): Promise<ReceivedInstance> {
      await file.close();
      const dataSetSha256 = hash.digest('hex');
      if (dataSetSha256 !== entry.dataSetSha256) {
        wanted.came = 'other';
        throw new LifeboatError('SOP_INSTANCE_MISMATCH', 'This is not the content that is to be repaired.');
      }
      wanted.came = 'right';
      return {
        studyInstanceUID,
        seriesInstanceUID,
        sopInstanceUID,
        sopClassUID,
        transferSyntaxUID,
        size,
        dataSetSha256,
      };
    },
    abort: () => file.abandon(),
  };
}

/** A file that is written as something comes in. */
export class FileTaker {
  readonly #opened: Promise<FileHandle>;
  #closed: Promise<void> | undefined;

  constructor(path: string) {
    this.#opened = open(path, 'w');
    this.#opened.catch(() => undefined);
  }

  async write(chunk: Uint8Array): Promise<void> {
    await (await this.#opened).writeFile(chunk);
  }

  close(): Promise<void> {
    this.#closed ??= this.#opened.then((file) => file.close());
    return this.#closed;
  }

  abandon(): void {
    this.close().catch(() => undefined);
  }
}
