import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { RemoteInstance } from '../reconcile/remote-archive.ts';
import type { PacsSource } from './pacs-source.ts';

/** Images asked for at once, as many as go into one request: after each the limits are looked at again. */
const AT_ONCE = 40;
const NOT_LISTED = 'The PACS does not list all images of the study.';
const NOT_COME = 'The PACS said that it sent images that have not come; does it know our AE title and port?';

export interface FetchedStudy {
  /** Images the PACS lists. */
  expected: number;
  /** Of these: here. */
  here: number;
}

export interface FetchContext {
  archive: Pick<Archive, 'entries' | 'flush'>;
  source: PacsSource;
  /** Before each piece; resolves when it may begin. */
  turn(): Promise<void>;
  /** The PACS took so long to list the study, ms. */
  answered(ms: number): void;
  /** Images came. */
  came(images: number): void;
  signal: AbortSignal;
}

/**
 * Brings here what is missing of a study, image by image compared by SOP Instance UID with what the archive has; so what a
 * former run brought is not fetched again.
 * @throws what the line to the PACS throws, and IncompleteStudy when not everything came
 */
export async function fetchStudy(uid: string, context: FetchContext): Promise<FetchedStudy> {
  const { archive, source, signal } = context;
  await context.turn();
  const begun = performance.now();
  const { instances, complete } = await source.remote.list(uid, new Map(), signal);
  context.answered(performance.now() - begun);
  await archive.flush();
  let missing = await missingOf(archive, uid, instances);
  const pieces = piecesOf(missing);
  let refused: unknown;
  for (const [n, piece] of pieces.entries()) {
    if (n > 0) await context.turn();
    try {
      await source.remote.fetch(uid, piece, signal);
    } catch (error) {
      signal.throwIfAborted();
      refused = error;
    }
    await archive.flush();
    const before = missing.length;
    missing = await missingOf(archive, uid, missing);
    context.came(before - missing.length);
    // A line that is broken stays so; images that the PACS cannot send must not keep it from sending the others.
    if (refused && !(refused instanceof LifeboatError && refused.code === 'PEER_FAILED_STATUS')) throw refused;
  }
  const counts = { expected: instances.length, here: instances.length - missing.length };
  if (refused && missing.length > 0) throw new IncompleteStudy(asLifeboatError(refused), counts);
  if (!complete) throw new IncompleteStudy(new LifeboatError('PEER_FAILED_STATUS', NOT_LISTED), counts);
  if (missing.length > 0) throw new IncompleteStudy(new LifeboatError('PEER_FAILED_STATUS', NOT_COME), counts);
  return counts;
}

/** Some images did not come. */
export class IncompleteStudy extends LifeboatError {
  readonly counts: FetchedStudy;

  constructor(cause: LifeboatError, counts: FetchedStudy) {
    super(cause.code, cause.message, { cause });
    this.counts = counts;
  }
}

async function missingOf(
  archive: Pick<Archive, 'entries'>,
  uid: string,
  instances: readonly RemoteInstance[],
): Promise<RemoteInstance[]> {
  const here = new Set((await archive.entries(uid)).map(({ sopInstanceUID }) => sopInstanceUID));
  return instances.filter(({ sopInstanceUID }) => !here.has(sopInstanceUID));
}

/** Pieces of one series each. */
function piecesOf(instances: readonly RemoteInstance[]): RemoteInstance[][] {
  const pieces: RemoteInstance[][] = [];
  for (const series of Map.groupBy(instances, ({ seriesInstanceUID }) => seriesInstanceUID).values())
    for (let at = 0; at < series.length; at += AT_ONCE) pieces.push(series.slice(at, at + AT_ONCE));
  return pieces;
}
