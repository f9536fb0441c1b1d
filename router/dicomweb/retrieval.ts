import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import type { RouterContext } from '../context.ts';
import type { ImagePool } from './image-pool.ts';
import type { Asker, MemoryBudget } from './memory-budget.ts';
import { checkedUid, param, single } from './request.ts';
import type { StudyIndex } from './study-index.ts';

/** What the retrieve transactions share. */
export interface Retrieval {
  ctx: RouterContext;
  index: StudyIndex;
  images: ImagePool;
  /** For everything that is taken into memory as a whole. */
  memory: MemoryBudget;
}

/** Fires when the client goes away before the answer is complete. */
export function goneSignal(res: Response): AbortSignal {
  const gone = new AbortController();
  const abort = () =>
    gone.abort(Object.assign(new Error('the client went away'), { name: 'AbortError', code: 'ABORT_ERR' }));
  if (res.destroyed) abort();
  else
    res.once('close', () => {
      if (!res.writableFinished) abort();
    });
  return gone.signal;
}

/** Who asks the memory budget: with the first byte of the answer out, there is no going back to a 503. */
export function askerOf(res: Response, signal: AbortSignal): Asker {
  return { signal, begun: res.headersSent };
}

/** UIDs of the address, checked. */
export function selectionOf(req: Request): { study: string; series?: string; instance?: string } {
  const series = param(req, 'series');
  const instance = param(req, 'instance');
  return {
    study: checkedUid(param(req, 'study'), 'The Study Instance UID in the address'),
    ...(series === undefined ? {} : { series: checkedUid(series, 'The Series Instance UID in the address') }),
    ...(instance === undefined ? {} : { instance: checkedUid(instance, 'The SOP Instance UID in the address') }),
  };
}

/** The one instance of the address; with `?content=SHA256` an older content of it. */
export async function instanceOf({ index }: Retrieval, req: Request): Promise<InstanceEntry> {
  const { study, series, instance } = selectionOf(req);
  const content = single(req, 'content');
  if (content !== undefined && !/^[0-9a-f]{64}$/i.test(content)) {
    throw new LifeboatError('BAD_REQUEST', 'The parameter content is not a SHA-256 of 64 hexadecimal digits.');
  }
  return await index.content(study, series!, instance!, content);
}

/** Full attributes of this content of an instance. */
export async function attributesOf({ ctx }: Retrieval, entry: InstanceEntry): Promise<DicomJson> {
  const [text] = await ctx.archive.metadata(
    entry.studyInstanceUID,
    entry.seriesInstanceUID,
    entry.sopInstanceUID,
    entry.dataSetSha256,
  );
  return text === undefined ? entry.attributes : (JSON.parse(text.json) as DicomJson);
}

/** A list of frame numbers from 1, as in `frames/1,3,5` (PS3.18 10.4.1.1.6). */
export function frameNumbers(list: string, frames: number): number[] {
  const numbers = list.split(',').map((text) => {
    if (!/^[1-9]\d{0,8}$/.test(text)) {
      throw new LifeboatError('BAD_REQUEST', 'Frames are numbers from 1 with commas between them.');
    }
    return Number(text);
  });
  if (numbers.length > 10_000) throw new LifeboatError('BAD_REQUEST', 'Too many frames in one request.');
  if (numbers.some((number) => number > frames)) {
    throw new LifeboatError('NOT_FOUND', `The object has ${frames} frame${frames === 1 ? '' : 's'}.`);
  }
  return numbers;
}

/** Where the pixel data lies, from the stored `bulk:OFFSET:LENGTH`. */
export function pixelDataSpan(attributes: DicomJson): { offset: number; length: number } {
  for (const tag of ['7FE00010', '7FE00008', '7FE00009']) {
    const match = /^bulk:(\d+):(\d+)$/.exec(attributes[tag]?.BulkDataURI ?? '');
    if (match) return { offset: Number(match[1]), length: Number(match[2]) };
  }
  throw new LifeboatError('CANNOT_RENDER', 'This object has no pixel data.');
}
