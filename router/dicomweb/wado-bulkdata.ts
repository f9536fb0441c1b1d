import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import { covers, mediaAsks } from './accept.ts';
import { notModified } from './conditional.ts';
import { copyTo, endWith, MultipartWriter } from './multipart-writer.ts';
import { isDeflated, numberOfFrames, ObjectReader } from './object-bytes.ts';
import { param, requireScope, single } from './request.ts';
import { askerOf, goneSignal, instanceOf, type Retrieval } from './retrieval.ts';
import { etagOf } from './study-index.ts';
import { sendFrames } from './wado-frames.ts';

const OCTETS = 'application/octet-stream';

/**
 * Retrieve bulk data (PS3.18 10.4.1.1.5) at `bulkdata/OFFSET-LENGTH`, the addresses that metadata names. Encapsulated
 * pixel data is answered as its frames (PS3.18 8.7.3.3.2).
 */
export function retrieveBulkdata(retrieval: Retrieval): (req: Request, res: Response) => Promise<void> {
  const { store } = retrieval.ctx.archive;
  return async (req, res) => {
    requireScope(req, 'dicomweb:read');
    const entry = await instanceOf(retrieval, req);
    const match = /^(\d{1,15})-(\d{1,15})$/.exec(param(req, 'range') ?? '');
    if (!match) throw new LifeboatError('BAD_REQUEST', 'A bulk data address ends in OFFSET-LENGTH.');
    const offset = Number(match[1]);
    const length = Number(match[2]);
    if (entry.pixelData?.kind === 'encapsulated' && entry.pixelData.offset === offset) {
      const numbers = Array.from({ length: numberOfFrames(entry) }, (_, i) => i + 1);
      await sendFrames(retrieval, req, res, entry, numbers);
      return;
    }
    const ask = mediaAsks(req.headers.accept, single(req, 'accept')).find((one) => covers(one.mediaType, OCTETS));
    if (!ask) throw new LifeboatError('NOT_ACCEPTABLE', `Bulk data comes as ${OCTETS}, alone or in multipart/related.`);
    if (notModified(req, res, etagOf([entry], `${offset}-${length} ${ask.multipart}`))) return;
    const writer = ask.multipart ? new MultipartWriter(res) : null;
    const contentType = writer?.contentType(OCTETS) ?? OCTETS;
    if (isDeflated(entry)) {
      const reader = new ObjectReader(store, entry);
      await retrieval.memory
        .run(length, askerOf(res, goneSignal(res)), async () => {
          const bytes = await reader.bulk(offset, length);
          res.setHeader('Content-Type', contentType);
          if (req.method === 'HEAD') res.end();
          else if (writer) {
            await writer.part({ 'Content-Type': OCTETS }, bytes);
            await writer.end();
          } else await endWith(res, bytes);
        })
        .finally(() => reader.close());
      return;
    }
    if (offset < entry.dataSetOffset || offset + length > entry.size) {
      throw new LifeboatError('NOT_FOUND', 'The bulk data lies outside the object.');
    }
    res.setHeader('Content-Type', contentType);
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    if (!writer) res.setHeader('Content-Length', length);
    if (writer) await writer.begin({ 'Content-Type': OCTETS });
    if (length > 0) await copyTo(res, (await store.stream(entry.key, { start: offset, end: offset + length })).body);
    if (writer) await writer.end();
    else res.end();
  };
}
