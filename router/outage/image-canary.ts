import { createHash } from 'node:crypto';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { Announced, Receiver, Reception } from '../../storage/receive-types.ts';
import { authorization } from '../backfill/pacs-source.ts';
import { wadoFetch } from '../backfill/wado-fetch.ts';
import type { Config } from '../config.ts';
import { move } from '../dimse/retrieve-scu.ts';

/** One instance that the PACS is known to have. */
export interface CanaryImage {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
}

/** An image that takes longer says that the PACS is not well, ms. */
const PATIENCE_MS = 30_000;

interface Wanted {
  image: CanaryImage;
  /** AE title that was asked for it. */
  from: string;
  /** SHA-256 of its data sets that are in the archive. */
  kept: ReadonlySet<string>;
  bytes: number;
}

/**
 * Takes what the image canary has asked for. What the archive has already is looked at and not kept once more; another content
 * under its UID is refused, and an image that the archive lacks is kept like any other: nothing is acknowledged that is not here.
 */
export class CanaryIntake {
  readonly #archive: Pick<Archive, 'entries'>;
  #wanted: Wanted | undefined;

  constructor(archive: Pick<Archive, 'entries'>) {
    this.#archive = archive;
  }

  before(archive: Receiver): Receiver {
    return {
      beginDataSet: (source, announced) => {
        const wanted = this.#wanted;
        const isIt =
          wanted &&
          announced.sopInstanceUID === wanted.image.sopInstanceUID &&
          source.callingAE?.trim() === wanted.from;
        if (!isIt) return archive.beginDataSet(source, announced);
        const came = (bytes: number) => {
          wanted.bytes += bytes;
        };
        return wanted.kept.size > 0
          ? swallow(wanted.image, came, announced, wanted.kept)
          : counted(archive.beginDataSet(source, announced), came);
      },
      beginFile: (source, announced) => archive.beginFile(source, announced),
    };
  }

  /**
   * @param ask has the image sent here
   * @returns how many bytes of it came
   */
  async expect(image: CanaryImage, from: string, ask: () => Promise<void>): Promise<number> {
    const wanted = { image, from, kept: await this.#kept(image), bytes: 0 };
    this.#wanted = wanted;
    try {
      await ask();
    } catch (error) {
      // It came; that it was refused here is not the PACS's trouble.
      if (wanted.bytes === 0) throw error;
    } finally {
      this.#wanted = undefined;
    }
    return wanted.bytes;
  }

  /** Empty while the store does not answer: then the image is kept like any other. */
  async #kept({ studyInstanceUID, sopInstanceUID }: CanaryImage): Promise<ReadonlySet<string>> {
    const entries = await this.#archive.entries(studyInstanceUID).catch((thrown: unknown) => {
      if (asLifeboatError(thrown).code === 'STORE_UNAVAILABLE') return [];
      throw thrown;
    });
    const contents = entries.filter((entry) => entry.sopInstanceUID === sopInstanceUID);
    return new Set(contents.map(({ dataSetSha256 }) => dataSetSha256));
  }
}

type Came = (bytes: number) => void;

function counted(reception: Reception, came: Came): Reception {
  return {
    write: (chunk) => reception.write(chunk),
    finish: async () => {
      const received = await reception.finish();
      came(received.size);
      return received;
    },
    abort: () => reception.abort(),
  };
}

/** @param kept hashes of which the data set must have one; absent: it is nobody's concern */
function swallow(
  image: CanaryImage,
  came: Came,
  { sopClassUID = '', transferSyntaxUID = '' }: Partial<Announced> = {},
  kept?: ReadonlySet<string>,
): Reception {
  const hash = createHash('sha256');
  let size = 0;
  return {
    write: (chunk) => {
      hash.update(chunk);
      size += chunk.length;
    },
    finish: async () => {
      came(size);
      const dataSetSha256 = hash.digest('hex');
      if (kept && !kept.has(dataSetSha256))
        throw new LifeboatError('SOP_INSTANCE_MISMATCH', 'This is not the content that is kept here.');
      return { ...image, sopClassUID, transferSyntaxUID, size, dataSetSha256 };
    },
    abort: () => undefined,
  };
}

/**
 * Fetches a known image: a PACS whose images are gone or whose disk hangs still answers C-ECHO and C-FIND. By WADO-RS where
 * LIFEBOAT_PACS_DICOMWEB is given, else by C-MOVE to ourselves.
 * @returns why it is not well; undefined: it gave the image
 */
export async function fetchCanary(
  { pacs, pacsWeb, aeTitle }: Pick<Config, 'pacs' | 'pacsWeb' | 'aeTitle'>,
  image: CanaryImage,
  intake: CanaryIntake,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const late = `it did not come within ${PATIENCE_MS / 1000} s`;
  try {
    let bytes = 0;
    if (pacsWeb) {
      const peer = { url: pacsWeb.url, headers: () => authorization(pacsWeb.tokenFile) };
      const beginFile = () =>
        swallow(image, (size) => {
          bytes += size;
        });
      const into = { receiver: { beginFile }, source: { via: 'import' as const } };
      await wadoFetch(peer, image.studyInstanceUID, [image], into, signal);
    } else if (pacs) {
      const peer = { host: pacs.host, port: pacs.port, calledAE: pacs.aeTitle, callingAE: aeTitle };
      const keys = {
        '0020000D': image.studyInstanceUID,
        '0020000E': image.seriesInstanceUID,
        '00080018': image.sopInstanceUID,
      };
      bytes = await intake.expect(image, pacs.aeTitle, async () => {
        for await (const progress of move(peer, aeTitle, 'IMAGE', keys, { signal }))
          if ('message' in progress && (progress.failed ?? 0) > 0)
            throw new LifeboatError('PEER_FAILED_STATUS', `: ${progress.message}`);
      });
    }
    if (signal.aborted) return late;
    return bytes > 0 ? undefined : 'a known image did not come';
  } catch (thrown) {
    if (signal.aborted) return late;
    return `a known image: ${asLifeboatError(thrown).message.replace(/\.$/, '')}`;
  }
}
