import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { covers, type MediaAsk, mediaAsks } from './accept.ts';
import { notModified } from './conditional.ts';
import { describeImage } from './image-description.ts';
import { frameMediaTypeOf, isUncompressed, TransferSyntax, transferSyntaxesOf } from './media-types.ts';
import { MultipartWriter } from './multipart-writer.ts';
import { FrameReader, numberOfFrames } from './object-bytes.ts';
import { callerOf, param, requireScope, single } from './request.ts';
import { attributesOf, frameNumbers, instanceOf, pixelDataSpan, type Retrieval } from './retrieval.ts';
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

/** Frames in the form offered, one after the other. */
async function* framesOf(
  retrieval: Retrieval,
  entry: InstanceEntry,
  numbers: readonly number[],
  offer: FrameOffer,
): AsyncGenerator<Uint8Array> {
  const reader = new FrameReader(retrieval.ctx.archive.store, entry);
  const span = async () => pixelDataSpan(await attributesOf(retrieval, entry));
  for (const number of numbers) {
    const frame = await reader.frame(number, span);
    if (offer.target === null) {
      yield frame;
      continue;
    }
    const image = describeImage(entry.attributes, entry.transferSyntaxUID);
    const { bytes } = await retrieval.images.run({ kind: 'transcode', frame, image, target: offer.target });
    yield bytes;
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
  const frames = framesOf(retrieval, entry, numbers, offer);
  if (!offer.multipart) {
    const { value } = await frames.next();
    res.setHeader('Content-Type', offer.contentType);
    res.setHeader('Content-Length', value?.length ?? 0);
    if (req.method === 'HEAD') res.end();
    else res.end(value);
    return;
  }
  const { root } = callerOf(req, retrieval.ctx.config);
  const content = single(req, 'content') === undefined ? '' : `?content=${entry.dataSetSha256}`;
  const writer = new MultipartWriter(res);
  // The first frame is made before the status goes out: an object that cannot be decoded answers 406, not a cut body.
  let frame = await frames.next();
  res.setHeader('Content-Type', writer.contentType(offer.mediaType));
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  for (let i = 0; !frame.done; i++) {
    await writer.part(
      {
        'Content-Type': offer.contentType,
        'Content-Location': `${instanceUrl(root, entry)}/frames/${numbers[i]}${content}`,
      },
      frame.value,
    );
    frame = await frames.next();
  }
  await writer.end();
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
