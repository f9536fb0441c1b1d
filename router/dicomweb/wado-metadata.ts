import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import type { MetadataText } from '../../storage/segments.ts';
import { correctedAttributes } from '../corrections/corrected-attributes.ts';
import { covers, mediaAsks } from './accept.ts';
import { notModified } from './conditional.ts';
import { MultipartWriter, writeTo } from './multipart-writer.ts';
import { nativeDicomModel } from './native-model-xml.ts';
import { callerOf, requireScope, single } from './request.ts';
import { instanceOf, type Retrieval, selectionOf } from './retrieval.ts';
import { etagOf } from './study-index.ts';

const CHUNK_BYTES = 128 * 1024;
/** Smaller answers gain nothing from compression. */
const MIN_GZIP_CHARACTERS = 16 * 1024;
const bulk = /"BulkDataURI":"bulk:(\d+):(\d+)"/g;
/** Address under which this instance's bulk data, frames and renditions lie. */
export function instanceUrl(
  root: string,
  entry: Pick<InstanceEntry, 'studyInstanceUID' | 'seriesInstanceUID' | 'sopInstanceUID'>,
): string {
  return `${root}/studies/${entry.studyInstanceUID}/series/${entry.seriesInstanceUID}/instances/${entry.sopInstanceUID}`;
}

/**
 * Stored references to bytes of the object become addresses, which name the content: offsets of one content must never be
 * read in another that came under the same UID. Works on the text: nothing is parsed.
 */
export function withAddresses(json: string, instance: string, dataSetSha256: string): string {
  return json.replace(
    bulk,
    (_, offset, length) => `"BulkDataURI":"${instance}/bulkdata/${offset}-${length}?content=${dataSetSha256}"`,
  );
}

function* chunks(texts: readonly MetadataText[], addressed: (text: MetadataText) => string): Generator<string> {
  let pending = '[';
  for (const [i, text] of texts.entries()) {
    pending += `${i === 0 ? '' : ','}${addressed(text)}`;
    if (pending.length >= CHUNK_BYTES) {
      yield pending;
      pending = '';
    }
  }
  yield `${pending}]`;
}

/**
 * Retrieve metadata of a study, a series or an instance (PS3.18 10.4.1.1.2); of an instance with `?content=SHA256` that of
 * an older content, as it was received; without it the patient of a corrected study is the corrected one.
 */
export function retrieveMetadata(retrieval: Retrieval): (req: Request, res: Response) => Promise<void> {
  const { ctx, index } = retrieval;
  return async (req, res) => {
    requireScope(req, 'dicomweb:read');
    const { study, series, instance } = selectionOf(req);
    const form = metadataForm(req);
    const { root } = callerOf(req, ctx.config);
    const named =
      single(req, 'content') === undefined || instance === undefined ? null : await instanceOf(retrieval, req);
    const entries = named ? [named] : await index.select(study, series, instance);
    const correction = named ? undefined : ctx.corrections?.of(study);
    if (notModified(req, res, etagOf(entries, `${form} ${root} ${correction?.at ?? ''}`))) return;
    const texts = await ctx.archive.metadata(study, series, instance, named?.dataSetSha256);
    if (texts.length === 0) throw new LifeboatError('NOT_FOUND');
    const jsonOf = ({ json }: MetadataText) =>
      correction ? JSON.stringify(correctedAttributes(JSON.parse(json) as DicomJson, correction)) : json;
    const addressed = (text: MetadataText) =>
      withAddresses(jsonOf(text), instanceUrl(root, { studyInstanceUID: study, ...text }), text.dataSetSha256);
    if (form === 'xml') {
      const writer = new MultipartWriter(res);
      res.setHeader('Content-Type', writer.contentType('application/dicom+xml'));
      if (req.method === 'HEAD') return void res.end();
      for (const text of texts) {
        const json = JSON.parse(addressed(text)) as DicomJson;
        await writer.part({ 'Content-Type': 'application/dicom+xml' }, Buffer.from(nativeDicomModel(json)));
      }
      return await writer.end();
    }
    res.setHeader('Content-Type', 'application/dicom+json');
    res.vary('Accept-Encoding');
    if (req.method === 'HEAD') return void res.end();
    const size = texts.reduce((sum, { json }) => sum + json.length, 0);
    if (
      size >= MIN_GZIP_CHARACTERS &&
      /(^|[\s,])gzip\s*(;\s*q=(1|0\.\d*[1-9]))?\s*(,|$)/i.test(req.get('accept-encoding') ?? '')
    ) {
      res.setHeader('Content-Encoding', 'gzip');
      await pipeline(Readable.from(chunks(texts, addressed)), createGzip({ level: constants.Z_BEST_SPEED }), res);
      return;
    }
    for (const chunk of chunks(texts, addressed)) await writeTo(res, chunk);
    res.end();
  };
}

function metadataForm(req: Request): 'json' | 'xml' {
  for (const ask of mediaAsks(req.headers.accept, single(req, 'accept'))) {
    if (covers(ask.mediaType, 'application/dicom+json') || ask.mediaType === 'application/json') return 'json';
    if (ask.mediaType === 'application/dicom+xml') return 'xml';
  }
  throw new LifeboatError(
    'NOT_ACCEPTABLE',
    'Metadata comes as application/dicom+json or multipart/related; type="application/dicom+xml".',
  );
}
