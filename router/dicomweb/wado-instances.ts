import type { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { type MediaAsk, mediaAsks } from './accept.ts';
import { byteRangeOf } from './byte-range.ts';
import { notModified } from './conditional.ts';
import { TransferSyntax } from './media-types.ts';
import { tooLarge } from './memory-budget.ts';
import { rewriteCost } from './memory-cost.ts';
import { copyTo, endWith, MultipartWriter } from './multipart-writer.ts';
import { ObjectReader } from './object-bytes.ts';
import { callerOf, requireScope, single } from './request.ts';
import { askerOf, goneSignal, instanceOf, type Retrieval, selectionOf } from './retrieval.ts';
import { sendZip } from './send-zip.ts';
import { etagOf } from './study-index.ts';
import { canTranscode } from './transcode.ts';
import { instanceUrl } from './wado-metadata.ts';

interface Offer {
  form: 'multipart' | 'single' | 'zip';
  /** null: as stored; else the transfer syntax wanted. */
  target: string | null;
  /** Objects that cannot be transcoded go as stored: the client takes anything. */
  lenient: boolean;
}

function offerOf(ask: MediaAsk, single: boolean): Offer | null {
  if (ask.mediaType === 'application/zip') return { form: 'zip', target: null, lenient: true };
  const any = ask.mediaType === '*/*' || ask.mediaType === 'application/*';
  if (ask.mediaType !== 'application/dicom' && !any) return null;
  if (!ask.multipart && !single) return null;
  const target = ask.transferSyntax === '*' ? null : (ask.transferSyntax ?? TransferSyntax.ExplicitVRLittleEndian);
  return { form: ask.multipart ? 'multipart' : 'single', target, lenient: any && ask.transferSyntax === undefined };
}

function feasible({ memory }: Retrieval, offer: Offer, entries: readonly InstanceEntry[]): boolean {
  const { target, lenient } = offer;
  if (target === null || lenient) return true;
  return entries.every(
    (entry) => isReady(entry, target) || (canRewrite(entry, target) && memory.fits(rewriteCost(entry, entry.size))),
  );
}

function isReady(entry: InstanceEntry, target: string | null): boolean {
  return target === null || entry.transferSyntaxUID === target;
}

function canRewrite(entry: InstanceEntry, target: string): boolean {
  return canTranscode(entry.transferSyntaxUID, target);
}

function negotiate(retrieval: Retrieval, req: Request, entries: readonly InstanceEntry[], single_: boolean): Offer {
  let tooMuch = false;
  for (const ask of mediaAsks(req.headers.accept, single(req, 'accept'))) {
    const offer = offerOf(ask, single_);
    if (offer && feasible(retrieval, offer, entries)) return offer;
    const target = offer?.target;
    if (target) tooMuch ||= entries.every((entry) => isReady(entry, target) || canRewrite(entry, target));
  }
  if (tooMuch) throw tooLarge();
  const syntaxes = [...new Set(entries.map((entry) => entry.transferSyntaxUID))].join(', ');
  throw new LifeboatError(
    'NOT_ACCEPTABLE',
    `Stored in transfer syntax ${syntaxes}; ask for multipart/related; type="application/dicom"; transfer-syntax=* to get objects as they are.`,
  );
}

/** An object on its way out: rewritten and in memory, or a stream of the store. */
type Outgoing = { body: Uint8Array | Readable; syntax: string };

/**
 * Hands `send` the object in the transfer syntax offered; what it holds in memory counts until `send` is done. Errors: BUSY
 * while other requests hold what there is.
 */
async function withObject(
  retrieval: Retrieval,
  res: Response,
  signal: AbortSignal,
  entry: InstanceEntry,
  offer: Offer,
  send: (object: Outgoing) => Promise<void>,
): Promise<void> {
  const { reading: store } = retrieval.ctx.archive;
  const { target } = offer;
  const asStored = async () =>
    send({
      body: (await store.stream(entry.key, { start: 0, end: entry.size })).body,
      syntax: entry.transferSyntaxUID,
    });
  if (isReady(entry, target) || target === null || (offer.lenient && !canRewrite(entry, target))) return asStored();
  const reader = new ObjectReader(store, entry);
  let rewritten = false;
  try {
    const size = await reader.size();
    await retrieval.memory.run(rewriteCost(entry, size), askerOf(res, signal), async () => {
      const file = await reader.whole(size);
      const { bytes } = await retrieval.images.run({ kind: 'rewrite', file, target }, signal);
      rewritten = true;
      await send({ body: bytes, syntax: target });
    });
  } catch (error) {
    if (rewritten || !offer.lenient || !(error instanceof LifeboatError) || error.http >= 500) throw error;
    await asStored();
  } finally {
    reader.close();
  }
}

async function sendMultipart(
  retrieval: Retrieval,
  req: Request,
  res: Response,
  entries: readonly InstanceEntry[],
  offer: Offer,
): Promise<void> {
  const { root } = callerOf(req, retrieval.ctx.config);
  const writer = new MultipartWriter(res);
  if (req.method === 'HEAD') {
    res.setHeader('Content-Type', writer.contentType('application/dicom'));
    res.end();
    return;
  }
  const signal = goneSignal(res);
  for (const entry of entries) {
    await withObject(retrieval, res, signal, entry, offer, async ({ body, syntax }) => {
      if (!res.headersSent) res.setHeader('Content-Type', writer.contentType('application/dicom'));
      await writer.part(
        {
          'Content-Type': `application/dicom; transfer-syntax=${syntax}`,
          'Content-Location': instanceUrl(root, entry),
        },
        body,
      );
    });
  }
  await writer.end();
}

async function sendSingle(
  retrieval: Retrieval,
  req: Request,
  res: Response,
  entry: InstanceEntry,
  offer: Offer,
): Promise<void> {
  res.setHeader('Content-Disposition', `attachment; filename="${entry.sopInstanceUID}.dcm"`);
  if (isReady(entry, offer.target)) {
    await sendAsStored(retrieval, req, res, entry);
    return;
  }
  await withObject(retrieval, res, goneSignal(res), entry, offer, async ({ body, syntax }) => {
    res.setHeader('Content-Type', `application/dicom; transfer-syntax=${syntax}`);
    if (body instanceof Uint8Array) res.setHeader('Content-Length', body.length);
    if (req.method === 'HEAD') {
      if (!(body instanceof Uint8Array)) body.destroy();
      res.end();
    } else if (body instanceof Uint8Array) await endWith(res, body);
    else {
      await copyTo(res, body);
      res.end();
    }
  });
}

async function sendAsStored(retrieval: Retrieval, req: Request, res: Response, entry: InstanceEntry): Promise<void> {
  res.setHeader('Content-Type', `application/dicom; transfer-syntax=${entry.transferSyntaxUID}`);
  res.setHeader('Accept-Ranges', 'bytes');
  const etag = String(res.getHeader('ETag'));
  const range = byteRangeOf(req.headers.range, req.get('if-range'), etag, entry.size);
  if (range === 'outside') {
    res.setHeader('Content-Range', `bytes */${entry.size}`);
    throw new LifeboatError('RANGE_NOT_SATISFIABLE');
  }
  const { start, end } = range ?? { start: 0, end: entry.size };
  if (range) res.status(206).setHeader('Content-Range', `bytes ${start}-${end - 1}/${entry.size}`);
  res.setHeader('Content-Length', end - start);
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  const { body } = await retrieval.ctx.archive.reading.stream(entry.key, { start, end });
  await copyTo(res, body);
  res.end();
}

/** Retrieve a study, a series or an instance (PS3.18 10.4.1.1.1). */
export function retrieveInstances(retrieval: Retrieval): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    requireScope(req, 'dicomweb:read');
    const { study, series, instance } = selectionOf(req);
    const entries =
      instance === undefined ? await retrieval.index.select(study, series) : [await instanceOf(retrieval, req)];
    const offer = negotiate(retrieval, req, entries, instance !== undefined);
    if (notModified(req, res, etagOf(entries, `${offer.form} ${offer.target ?? '*'}`))) return;
    if (offer.form === 'zip')
      await sendZip(retrieval.ctx.archive.reading, req, res, entries, instance ?? series ?? study);
    else if (offer.form === 'single') await sendSingle(retrieval, req, res, entries[0]!, offer);
    else await sendMultipart(retrieval, req, res, entries, offer);
  };
}
