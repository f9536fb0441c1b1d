import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { type MediaAsk, mediaAsks } from './accept.ts';
import { byteRangeOf } from './byte-range.ts';
import { notModified } from './conditional.ts';
import { TransferSyntax } from './media-types.ts';
import { copyTo, MultipartWriter } from './multipart-writer.ts';
import { wholeInflated, wholeObject } from './object-bytes.ts';
import { callerOf, requireScope, single } from './request.ts';
import { instanceOf, type Retrieval, selectionOf } from './retrieval.ts';
import { etagOf } from './study-index.ts';
import { canTranscode } from './transcode.ts';
import { instanceUrl } from './wado-metadata.ts';
import { sendZip } from './zip-writer.ts';

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

function feasible(offer: Offer, entries: readonly InstanceEntry[]): boolean {
  const { target, lenient } = offer;
  return target === null || lenient || entries.every((entry) => isReady(entry, target) || canRewrite(entry, target));
}

function isReady(entry: InstanceEntry, target: string | null): boolean {
  return target === null || entry.transferSyntaxUID === target;
}

function canRewrite(entry: InstanceEntry, target: string): boolean {
  return canTranscode(entry.transferSyntaxUID, target);
}

function negotiate(req: Request, entries: readonly InstanceEntry[], single_: boolean): Offer {
  for (const ask of mediaAsks(req.headers.accept, single(req, 'accept'))) {
    const offer = offerOf(ask, single_);
    if (offer && feasible(offer, entries)) return offer;
  }
  const syntaxes = [...new Set(entries.map((entry) => entry.transferSyntaxUID))].join(', ');
  throw new LifeboatError(
    'NOT_ACCEPTABLE',
    `Stored in transfer syntax ${syntaxes}; ask for multipart/related; type="application/dicom"; transfer-syntax=* to get objects as they are.`,
  );
}

/** The object in the transfer syntax offered, as bytes (transcoded) or as a stream of the store. */
async function objectAs(retrieval: Retrieval, entry: InstanceEntry, offer: Offer) {
  const { store } = retrieval.ctx.archive;
  const { target } = offer;
  if (isReady(entry, target) || target === null || (offer.lenient && !canRewrite(entry, target))) {
    return { body: (await store.stream(entry.key)).body, syntax: entry.transferSyntaxUID };
  }
  try {
    const file =
      entry.transferSyntaxUID === TransferSyntax.DeflatedExplicitVRLittleEndian
        ? await wholeInflated(store, entry)
        : await wholeObject(store, entry);
    const { bytes } = await retrieval.images.run({ kind: 'rewrite', file, target });
    return { body: bytes, syntax: target };
  } catch (error) {
    if (offer.lenient && error instanceof LifeboatError && error.http < 500) {
      return { body: (await store.stream(entry.key)).body, syntax: entry.transferSyntaxUID };
    }
    throw error;
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
  for (const entry of entries) {
    const { body, syntax } = await objectAs(retrieval, entry, offer);
    if (!res.headersSent) res.setHeader('Content-Type', writer.contentType('application/dicom'));
    await writer.part(
      { 'Content-Type': `application/dicom; transfer-syntax=${syntax}`, 'Content-Location': instanceUrl(root, entry) },
      body,
    );
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
  if (!isReady(entry, offer.target)) {
    const { body, syntax } = await objectAs(retrieval, entry, offer);
    res.setHeader('Content-Type', `application/dicom; transfer-syntax=${syntax}`);
    if (body instanceof Uint8Array) {
      res.setHeader('Content-Length', body.length);
      res.end(req.method === 'HEAD' ? undefined : body);
      return;
    }
    if (req.method === 'HEAD') {
      body.destroy();
      res.end();
      return;
    }
    await copyTo(res, body);
    res.end();
    return;
  }
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
  const { body } = await retrieval.ctx.archive.store.stream(entry.key, { start, end });
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
    const offer = negotiate(req, entries, instance !== undefined);
    if (notModified(req, res, etagOf(entries, `${offer.form} ${offer.target ?? '*'}`))) return;
    if (offer.form === 'zip')
      await sendZip(retrieval.ctx.archive.store, req, res, entries, instance ?? series ?? study);
    else if (offer.form === 'single') await sendSingle(retrieval, req, res, entries[0]!, offer);
    else await sendMultipart(retrieval, req, res, entries, offer);
  };
}
