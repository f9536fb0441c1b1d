import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { covers, type MediaAsk, mediaAsks } from './accept.ts';
import { notModified } from './conditional.ts';
import { describeImage, numbersAt } from './image-description.ts';
import type { Asker } from './memory-budget.ts';
import { decodedFrameCost } from './memory-cost.ts';
import { endWith, MultipartWriter } from './multipart-writer.ts';
import { numberOfFrames, ObjectReader } from './object-bytes.ts';
import type { RenderOptions } from './render/render-types.ts';
import { renderTables } from './render/tables.ts';
import { renderOptions } from './render-parameters.ts';
import { param, requireScope, single } from './request.ts';
import {
  askerOf,
  attributesOf,
  frameNumbers,
  goneSignal,
  instanceOf,
  pixelDataSpan,
  type Retrieval,
  selectionOf,
} from './retrieval.ts';
import { etagOf } from './study-index.ts';

const THUMBNAIL = { width: 200, height: 200 };

interface Offer {
  multipart: boolean;
  format: RenderOptions['format'];
}

function offers(asks: readonly MediaAsk[]): Offer {
  for (const ask of asks) {
    // Anything is the picture alone, as a browser's <img> wants it.
    const multipart = ask.multipart && ask.mediaType !== '*/*';
    if (covers(ask.mediaType, 'image/jpeg')) return { multipart, format: 'jpeg' };
    if (covers(ask.mediaType, 'image/png')) return { multipart, format: 'png' };
  }
  throw new LifeboatError('NOT_ACCEPTABLE', 'Rendered pictures come as image/jpeg or image/png.');
}

/** Makes one picture and hands it to `send`; until that is done its memory counts against the limit that all requests share. */
async function picture(
  retrieval: Retrieval,
  asker: Asker,
  entry: InstanceEntry,
  number: number,
  options: Omit<RenderOptions, 'pixelAspect'>,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { store } = retrieval.ctx.archive;
  const attributes = await attributesOf(retrieval, entry);
  const image = describeImage(attributes, entry.transferSyntaxUID);
  if (entry.pixelData?.kind === 'native' && entry.pixelData.tag !== '7FE00010') {
    throw new LifeboatError('CANNOT_RENDER', 'Pictures of floating point pixels cannot be rendered.');
  }
  const [vertical = 1, horizontal = 1] = numbersAt(attributes, '00280034');
  const aspect = vertical > 0 && horizontal > 0 ? Math.min(Math.max(vertical / horizontal, 0.1), 10) : 1;
  const reader = new ObjectReader(store, entry);
  await retrieval.memory
    .run(decodedFrameCost(entry, number), asker, async () => {
      const tables = await renderTables(attributes, number, (offset, length) => reader.bulk(offset, length));
      const frame = await reader.frame(number, async () => pixelDataSpan(attributes));
      const { bytes } = await retrieval.images.run(
        { kind: 'render', frame, image, tables, options: { ...options, pixelAspect: aspect } },
        asker.signal,
      );
      await send(bytes);
    })
    .finally(() => reader.close());
}

/** The frames an address means: those listed, else for a rendition all of an instance, else the first. */
function framesOf(req: Request, entry: InstanceEntry, multipart: boolean): number[] {
  const list = param(req, 'frames');
  const count = numberOfFrames(entry);
  if (list !== undefined) return frameNumbers(list, count);
  return multipart ? Array.from({ length: count }, (_, i) => i + 1) : [1];
}

/** Instances an address means: for a thumbnail the middle picture stands for study or series. */
async function instancesOf(
  retrieval: Retrieval,
  req: Request,
  kind: 'rendered' | 'thumbnail',
): Promise<InstanceEntry[]> {
  const { study, series, instance } = selectionOf(req);
  if (instance !== undefined) return [await instanceOf(retrieval, req)];
  const pictures = (await retrieval.index.select(study, series)).filter((entry) => entry.pixelData);
  if (pictures.length === 0) throw new LifeboatError('CANNOT_RENDER', 'There is no picture in this study or series.');
  return kind === 'thumbnail' ? [pictures[pictures.length >> 1]!] : pictures;
}

/** Retrieve rendered and thumbnail (PS3.18 10.4.1.1.3, 10.4.1.1.4). */
export function retrieveRendered(
  retrieval: Retrieval,
  kind: 'rendered' | 'thumbnail',
): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    requireScope(req, 'dicomweb:read');
    const offer = offers(mediaAsks(req.headers.accept, single(req, 'accept')));
    const entries = await instancesOf(retrieval, req, kind);
    const parameters = renderOptions(req, kind === 'thumbnail' ? THUMBNAIL : undefined);
    const options = { ...parameters, format: offer.format };
    const variant = `${kind} ${param(req, 'frames') ?? ''} ${offer.multipart} ${JSON.stringify(options)}`;
    if (notModified(req, res, etagOf(entries, variant))) return;
    const signal = goneSignal(res);
    const type = offer.format === 'png' ? 'image/png' : 'image/jpeg';
    if (!offer.multipart || kind === 'thumbnail') {
      const numbers = framesOf(req, entries[0]!, false);
      if (numbers.length > 1 || (entries.length > 1 && kind === 'rendered')) {
        throw new LifeboatError('NOT_ACCEPTABLE', `Several pictures come in multipart/related; type="${type}".`);
      }
      await picture(retrieval, askerOf(res, signal), entries[0]!, numbers[0]!, options, async (bytes) => {
        res.setHeader('Content-Type', type);
        res.setHeader('Content-Length', bytes.length);
        if (req.method === 'HEAD') res.end();
        else await endWith(res, bytes);
      });
      return;
    }
    const writer = new MultipartWriter(res);
    for (const entry of entries) {
      for (const number of framesOf(req, entry, true)) {
        await picture(retrieval, askerOf(res, signal), entry, number, options, async (bytes) => {
          if (!res.headersSent) res.setHeader('Content-Type', writer.contentType(type));
          if (req.method === 'HEAD') res.end();
          else await writer.part({ 'Content-Type': type }, bytes);
        });
        if (req.method === 'HEAD') return;
      }
    }
    await writer.end();
  };
}
