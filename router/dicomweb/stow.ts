import type { Request, Response } from 'express';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { Reception } from '../../storage/receive-types.ts';
import type { RouterContext } from '../context.ts';
import { covers, mediaAsks, parseMediaType } from './accept.ts';
import { MultipartReader } from './multipart-reader.ts';
import { nativeDicomModel } from './native-model-xml.ts';
import { PartHead } from './part-head.ts';
import { callerOf, checkedUid, param, requireScope, single } from './request.ts';
import { type StoreOutcome, type StoreParts, storeRefusal } from './store-parts.ts';
import { type StoreFailure, storeResponse } from './store-response.ts';
import { MetadataParts } from './stow-metadata.ts';

/** Nothing arrived for so long: the sender is gone. */
const STALLED_MS = 120_000;
/** Instances whose fsync is awaited while the next one is read already. */
const MAX_UNFINISHED = 16;
/** Most parts of one request. */
const MAX_PARTS = 200_000;

/** A request's PS3.10 files: begins, feeds and finishes receptions, remembers what became of each. */
class FileParts implements StoreParts {
  readonly outcomes: StoreOutcome[] = [];
  readonly #ctx: RouterContext;
  readonly #source: ReceiveSource;
  readonly #study: string | undefined;
  readonly #pending = new Set<Promise<void>>();
  #reception: Reception | null = null;
  #failure: LifeboatError | null = null;
  #head = new PartHead();

  constructor(ctx: RouterContext, source: ReceiveSource, study: string | undefined) {
    this.#ctx = ctx;
    this.#source = source;
    this.#study = study;
  }

  begin(headers: ReadonlyMap<string, string>): void {
    this.#head = new PartHead();
    this.#failure = null;
    this.#reception = null;
    const media = parseMediaType(headers.get('content-type') ?? 'application/dicom');
    if (this.outcomes.length + this.#pending.size >= MAX_PARTS) {
      this.#failure = new LifeboatError('PAYLOAD_TOO_LARGE', `More than ${MAX_PARTS} parts in one request.`);
    } else if (!media || (media.type !== 'application/dicom' && media.type !== 'application/octet-stream')) {
      this.#failure = new LifeboatError(
        'UNSUPPORTED_MEDIA_TYPE',
        'Parts of this request are stored as application/dicom (PS3.10 files).',
      );
    } else {
      this.#reception = this.#ctx.archive.beginFile(
        this.#source,
        this.#study === undefined ? undefined : { studyInstanceUID: this.#study },
      );
    }
  }

  async data(chunk: Uint8Array): Promise<void> {
    this.#head.write(chunk);
    if (!this.#reception) return;
    try {
      await this.#reception.write(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  async end(): Promise<void> {
    const reception = this.#reception;
    const head = this.#head;
    this.#reception = null;
    if (!reception) {
      this.#reject(head, this.#failure ?? new LifeboatError('INTERNAL'));
      return;
    }
    const slot = this.outcomes.push({ failure: { ...head.uids(), error: new LifeboatError('INTERNAL') } }) - 1;
    const finished = reception.finish().then(
      (received) => {
        this.outcomes[slot] = { received };
      },
      (error: unknown) => {
        reception.abort();
        this.outcomes[slot] = { failure: this.#refusal(head, asLifeboatError(error)) };
      },
    );
    this.#pending.add(finished);
    void finished.then(() => this.#pending.delete(finished));
    if (this.#pending.size >= MAX_UNFINISHED) await Promise.race(this.#pending);
  }

  truncated(): void {
    this.#reception?.abort();
    this.#reception = null;
    this.#reject(
      this.#head,
      this.#failure ?? new LifeboatError('DATASET_TRUNCATED', 'The request ended before this instance was complete.'),
    );
  }

  /** The connection broke: drop the unfinished instance; whole ones stay. */
  abort(): void {
    this.#reception?.abort();
    this.#reception = null;
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #fail(error: unknown): void {
    this.#reception?.abort();
    this.#reception = null;
    this.#failure = asLifeboatError(error);
  }

  #reject(head: PartHead, error: LifeboatError): void {
    this.outcomes.push({ failure: this.#refusal(head, error) });
  }

  #refusal(head: PartHead, error: LifeboatError): StoreFailure {
    return storeRefusal(this.#ctx, this.#source, head.uids(), error);
  }
}

/** Reads the body part by part; false when the connection broke before the body's end. */
async function readBody(req: Request, parts: StoreParts): Promise<boolean> {
  const media = parseMediaType(req.headers['content-type'] ?? '');
  const reader =
    media?.type === 'multipart/related'
      ? new MultipartReader(media.parameters.get('boundary') ?? '', {
          begin: (headers) => parts.begin(withType(headers, media.parameters.get('type'))),
          data: (chunk) => parts.data(chunk),
          end: () => parts.end(),
          truncated: () => parts.truncated(),
        })
      : null;
  if (!reader) await parts.begin(new Map([['content-type', 'application/dicom']]));
  req.setTimeout(STALLED_MS, () => req.destroy());
  try {
    for await (const chunk of req) {
      if (reader) await reader.write(chunk as Buffer);
      else await parts.data(chunk as Buffer);
    }
  } catch (error) {
    parts.abort();
    if (error instanceof LifeboatError) throw error;
    return false;
  } finally {
    req.socket?.setTimeout(0);
  }
  if (reader) await reader.finish();
  else await parts.end();
  return true;
}

/** A part without a type of its own has the one that the request's Content-Type names. */
function withType(headers: ReadonlyMap<string, string>, type: string | undefined): ReadonlyMap<string, string> {
  return headers.has('content-type') || type === undefined ? headers : new Map([...headers, ['content-type', type]]);
}

/** What the request is made of; UNSUPPORTED_MEDIA_TYPE for everything else. */
function contentForm(req: Request): 'files' | 'metadata' {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new LifeboatError(
      'UNSUPPORTED_MEDIA_TYPE',
      `A body with Content-Encoding ${encoding} is not taken; send it as it is.`,
    );
  }
  const media = parseMediaType(req.headers['content-type'] ?? '');
  if (!media) throw new LifeboatError('UNSUPPORTED_MEDIA_TYPE', 'The request has no Content-Type.');
  if (media.type === 'application/dicom') return 'files';
  const partType = (media.parameters.get('type') ?? 'application/dicom').toLowerCase();
  if (media.type === 'multipart/related' && partType === 'application/dicom') return 'files';
  if (media.type === 'multipart/related' && partType === 'application/dicom+json') return 'metadata';
  throw new LifeboatError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Instances are stored as application/dicom, alone or in multipart/related; type="application/dicom", or as metadata and bulk data in multipart/related; type="application/dicom+json".',
  );
}

function answerForm(req: Request): 'json' | 'xml' {
  for (const ask of mediaAsks(req.headers.accept, single(req, 'accept'))) {
    if (covers(ask.mediaType, 'application/dicom+json') || ask.mediaType === 'application/json') return 'json';
    if (ask.mediaType === 'application/dicom+xml' || ask.mediaType === 'application/xml') return 'xml';
  }
  throw new LifeboatError('NOT_ACCEPTABLE', 'The answer comes as application/dicom+json or application/dicom+xml.');
}

/**
 * Store transaction (PS3.18 10.5, STOW-RS). Each part streams into the archive and is acknowledged only after fsync:
 * 200 all kept, 202 some, 409 none.
 */
export function store(ctx: RouterContext): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    requireScope(req, 'dicomweb:write');
    const given = param(req, 'study');
    const study = given === undefined ? undefined : checkedUid(given, 'The Study Instance UID in the address');
    const form = answerForm(req);
    const content = contentForm(req);
    const caller = callerOf(req, ctx.config);
    const source = { via: 'stow', address: caller.address, user: caller.user } as const;
    const session: StoreParts =
      content === 'files'
        ? new FileParts(ctx, source, study)
        : new MetadataParts({ ctx, source, study, base: `${caller.root}/studies` });
    const audit = (detail: string, outcome: 'ok' | 'refused' | 'error') => {
      const studies = new Set(
        session.outcomes.flatMap((one) => ('received' in one ? [one.received.studyInstanceUID] : [])),
      );
      res.locals['audited'] = true;
      ctx.access.audit({
        user: caller.user,
        address: caller.address,
        action: 'upload',
        object: [...studies].slice(0, 20).join(' ') || (study ?? ''),
        detail,
        outcome,
      });
    };
    let whole: boolean;
    try {
      whole = await readBody(req, session);
    } catch (error) {
      await session.settle();
      if (session.outcomes.length > 0) audit(`${keptOf(session)} kept, then ${asLifeboatError(error).code}`, 'error');
      throw error;
    }
    await session.settle();
    const kept = keptOf(session);
    const failed = session.outcomes.length - kept;
    if (!whole) {
      audit(`connection lost after ${kept} instances were kept`, 'error');
      ctx.log.warn({ address: caller.address, kept }, 'STOW-RS: the connection was lost before the end of the request');
      res.destroy();
      return;
    }
    if (session.outcomes.length === 0) {
      throw new LifeboatError('BAD_REQUEST', 'The request holds no instance.');
    }
    audit(`${kept} kept, ${failed} refused`, kept > 0 ? 'ok' : 'refused');
    const answer = storeResponse(session.outcomes, caller.root, study);
    res.status(failed === 0 ? 200 : kept > 0 ? 202 : 409);
    if (form === 'xml') res.type('application/dicom+xml').send(Buffer.from(nativeDicomModel(answer)));
    else res.type('application/dicom+json').send(Buffer.from(JSON.stringify(answer)));
  };
}

function keptOf(session: StoreParts): number {
  return session.outcomes.filter((one) => 'received' in one).length;
}
