import { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { FrameSpan } from '../../storage/format/frames.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { covers, type MediaAsk, mediaAsks } from './accept.ts';
import { notModified } from './conditional.ts';
import { describeImage } from './image-description.ts';
import { frameMediaTypeOf, isUncompressed, TransferSyntax, transferSyntaxesOf } from './media-types.ts';
import { decodedFrameCost, storedFrameBytes } from './memory-cost.ts';
import { copyTo, endWith, MultipartWriter } from './multipart-writer.ts';
import { numberOfFrames, ObjectReader, storedSpans } from './object-bytes.ts';
import { callerOf, param, requireScope, single } from './request.ts';
import {
  askerOf,
  attributesOf,
  frameNumbers,
  goneSignal,
  instanceOf,
  pixelDataSpan,
  type Retrieval,
} from './retrieval.ts';
import { etagOf } from './study-index.ts';
import { canTranscode } from './transcode.ts';
import { instanceUrl } from './wado-metadata.ts';

/** How frames will be answered. */
export interface FrameOffer {
  multipart: boolean;
  /** Media type of one frame, with its transfer syntax. */
  contentType: string;
  /** The type without parameters. */
  mediaType: string;
  /** null: as stored. */
  target: string | null;
}

const OCTETS = 'application/octet-stream';
/** Larger frames go out as they come from the store, without being held. */
const STREAMED_BYTES = 1024 * 1024;

function offerOf(ask: MediaAsk, stored: string): Omit<FrameOffer, 'multipart' | 'contentType'> | null {
  const asStored = isUncompressed(stored);
  const little = asStored && stored !== TransferSyntax.ExplicitVRBigEndian;
  if (ask.mediaType === OCTETS || ask.mediaType === 'application/*' || ask.mediaType === '*/*') {
    const wanted = ask.transferSyntax;
    if (wanted === '*' || wanted === stored) return { mediaType: OCTETS, target: null };
    if (
      wanted !== undefined &&
      wanted !== TransferSyntax.ExplicitVRLittleEndian &&
      wanted !== TransferSyntax.ImplicitVRLittleEndian
    ) {
      return canTranscode(stored, wanted) ? { mediaType: OCTETS, target: wanted } : null;
    }
    if (little) return { mediaType: OCTETS, target: null };
    if (canTranscode(stored, TransferSyntax.ExplicitVRLittleEndian)) {
      return { mediaType: OCTETS, target: TransferSyntax.ExplicitVRLittleEndian };
    }
    return ask.mediaType === '*/*' ? { mediaType: frameMediaTypeOf(stored), target: null } : null;
  }
  const storedType = frameMediaTypeOf(stored);
  if (covers(ask.mediaType, storedType) && storedType !== OCTETS) {
    if (ask.transferSyntax === undefined || ask.transferSyntax === '*' || ask.transferSyntax === stored) {
      return { mediaType: storedType, target: null };
    }
  }
  const syntaxes = transferSyntaxesOf(ask.mediaType);
  const target = ask.transferSyntax === undefined || ask.transferSyntax === '*' ? syntaxes[0] : ask.transferSyntax;
  if (target === undefined || !syntaxes.includes(target) || !canTranscode(stored, target)) return null;
  return { mediaType: ask.mediaType, target };
}

/** Picks the first ask that can be met (PS3.18 8.7.3.3.2, 8.7.5); NOT_ACCEPTABLE with what could be had. */
export function negotiateFrames(asks: readonly MediaAsk[], stored: string): FrameOffer {
  for (const ask of asks) {
    const offer = offerOf(ask, stored);
    if (!offer) continue;
    const syntax =
      offer.target ??
      (isUncompressed(stored) && stored !== TransferSyntax.ExplicitVRBigEndian
        ? TransferSyntax.ExplicitVRLittleEndian
        : stored);
    return { ...offer, multipart: ask.multipart, contentType: `${offer.mediaType}; transfer-syntax=${syntax}` };
  }
  throw new LifeboatError(
    'NOT_ACCEPTABLE',
    `Frames of this object are stored in transfer syntax ${stored}; ask for multipart/related; type="${OCTETS}"; transfer-syntax=* to get them as they are.`,
  );
}

/** A frame on its way out. */
interface OutgoingFrame {
  size: number;
  body: Uint8Array | Readable;
}

/** Bytes of the object, one span after the other, as a stream: nothing of the frame is held. */
function streamOf(store: ObjectStore, entry: InstanceEntry, spans: readonly FrameSpan[]): Readable {
  return Readable.from(
    (async function* () {
      for (const { start, end } of spans) {
        if (end > start) yield* (await store.stream(entry.key, { start, end })).body;
      }
    })(),
    { objectMode: false },
  );
}

/** Hands each frame in the form offered to `send`; what is held in memory of it counts until `send` is done. */
async function eachFrame(
  retrieval: Retrieval,
  res: Response,
  entry: InstanceEntry,
  numbers: readonly number[],
  offer: FrameOffer,
  send: (frame: OutgoingFrame, number: number) => Promise<void>,
): Promise<void> {
  const { reading: store } = retrieval.ctx.archive;
  const signal = goneSignal(res);
  const reader = new ObjectReader(store, entry);
  const span = async () => pixelDataSpan(await attributesOf(retrieval, entry));
  try {
    for (const number of numbers) {
      const spans = offer.target === null ? storedSpans(entry, number) : null;
      const size = spans?.reduce((sum, { start, end }) => sum + end - start, 0) ?? 0;
      if (spans && size > STREAMED_BYTES) {
        await send({ size, body: streamOf(store, entry, spans) }, number);
        continue;
      }
      const { target } = offer;
      const cost = target === null ? storedFrameBytes(entry, number) : decodedFrameCost(entry, number);
      await retrieval.memory.run(cost, askerOf(res, signal), async () => {
        let body = await reader.frame(number, span);
        if (target !== null) {
          const image = describeImage(entry.attributes, entry.transferSyntaxUID);
          ({ bytes: body } = await retrieval.images.run({ kind: 'transcode', frame: body, image, target }, signal));
        }
        await send({ size: body.length, body }, number);
      });
    }
  } finally {
    reader.close();
  }
}

/** Sends frames as multipart or, for a single ask, the one frame alone. */
export async function sendFrames(
  retrieval: Retrieval,
  req: Request,
  res: Response,
  entry: InstanceEntry,
  numbers: readonly number[],
): Promise<void> {
  const asks = mediaAsks(req.headers.accept, single(req, 'accept'));
  const offer = negotiateFrames(
    numbers.length > 1 ? asks.filter((ask) => ask.multipart) : asks,
    entry.transferSyntaxUID,
  );
  if (notModified(req, res, etagOf([entry], `${numbers.join()} ${offer.contentType}`))) return;
  if (!offer.multipart) {
    await eachFrame(retrieval, res, entry, numbers.slice(0, 1), offer, async ({ size, body }) => {
      res.setHeader('Content-Type', offer.contentType);
      res.setHeader('Content-Length', size);
      if (req.method === 'HEAD') res.end();
      else if (body instanceof Uint8Array) await endWith(res, body);
      else {
        await copyTo(res, body);
        res.end();
      }
    });
    return;
  }
  const { root } = callerOf(req, retrieval.ctx.config);
  const content = single(req, 'content') === undefined ? '' : `?content=${entry.dataSetSha256}`;
  const writer = new MultipartWriter(res);
  // The first frame is made before the status goes out: an object that cannot be decoded answers 406, not a cut body.
  const wanted = req.method === 'HEAD' ? numbers.slice(0, 1) : numbers;
  await eachFrame(retrieval, res, entry, wanted, offer, async ({ body }, number) => {
    if (!res.headersSent) res.setHeader('Content-Type', writer.contentType(offer.mediaType));
    if (req.method === 'HEAD') return;
    await writer.part(
      {
        'Content-Type': offer.contentType,
        'Content-Location': `${instanceUrl(root, entry)}/frames/${number}${content}`,
      },
      body,
    );
  });
  if (req.method === 'HEAD') res.end();
  else await writer.end();
}

/** Retrieve frames (PS3.18 10.4.1.1.6): `frames/1,3,5`. */
export function retrieveFrames(retrieval: Retrieval): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    requireScope(req, 'dicomweb:read');
    const entry = await instanceOf(retrieval, req);
    const numbers = frameNumbers(param(req, 'frames') ?? '', numberOfFrames(entry));
    await sendFrames(retrieval, req, res, entry, numbers);
  };
}
