import { setImmediate as breathe } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { QueryLevel } from '../../storage/catalogue/catalogue-types.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { RouterContext } from '../context.ts';
import { correctedCatalogue } from '../corrections/corrected-catalogue.ts';
import { covers, mediaAsks } from './accept.ts';
import { keywordOf } from './dictionary.ts';
import { MultipartWriter, writeTo } from './multipart-writer.ts';
import { nativeDicomModel } from './native-model-xml.ts';
import { ignoredKey, parseQuery } from './query-parameters.ts';
import { callerOf, checkedUid, param, queryOf, requireScope, single } from './request.ts';

/** Attributes of a result without `includefield` (PS3.18 Tables 10.6.3-3, -4, -5), with the description beside them. */
const RETURNED: Record<QueryLevel, readonly string[]> = {
  study: [
    '00080020',
    '00080030',
    '00080050',
    '00080061',
    '00080090',
    '00080201',
    '00081030',
    '00100010',
    '00100020',
    '00100030',
    '00100040',
    '0020000D',
    '00200010',
    '00201206',
    '00201208',
  ],
  series: [
    '00080060',
    '00080201',
    '0008103E',
    '0020000D',
    '0020000E',
    '00200011',
    '00201209',
    '00400244',
    '00400245',
    '00400275',
  ],
  instance: [
    '00080016',
    '00080018',
    '00080201',
    '0020000D',
    '0020000E',
    '00200013',
    '00280008',
    '00280010',
    '00280011',
    '00280100',
  ],
};

const ROWS_A_CHUNK = 200;

function uidOf(row: DicomJson, tag: string): string {
  return String(row[tag]?.Value?.[0] ?? '');
}

function retrieveUrl(root: string, level: QueryLevel, row: DicomJson): string {
  let url = `${root}/studies/${uidOf(row, '0020000D')}`;
  if (level !== 'study') url += `/series/${uidOf(row, '0020000E')}`;
  if (level === 'instance') url += `/instances/${uidOf(row, '00080018')}`;
  return url;
}

/** One result as it leaves: the attributes asked for, in tag order, and where to retrieve it. */
export function resultOf(
  level: QueryLevel,
  row: DicomJson,
  wanted: 'all' | ReadonlySet<string>,
  root: string,
): DicomJson {
  const all: DicomJson = {
    ...row,
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080056': { vr: 'CS', Value: ['ONLINE'] },
    '00081190': { vr: 'UR', Value: [retrieveUrl(root, level, row)] },
  };
  const result: DicomJson = {};
  for (const tag of Object.keys(all).sort()) {
    const element = all[tag]!;
    if (wanted !== 'all' && !wanted.has(tag)) continue;
    if (element.BulkDataURI?.startsWith('bulk:')) continue;
    result[tag] = element;
  }
  return result;
}

/** RFC 9111 5.5 warn-text: printable ASCII, quoted. */
function warningHeader(texts: readonly string[]): string {
  return texts
    .slice(0, 10)
    .map(
      (text) =>
        `299 lifeboat "${text
          .replace(/[^\x20-\x7E]/g, '?')
          .replace(/["\\]/g, "'")
          .slice(0, 200)}"`,
    )
    .join(', ');
}

/** Search transaction (PS3.18 10.6, QIDO-RS) of one level. */
export function search(ctx: RouterContext, level: QueryLevel): (req: Request, res: Response) => Promise<void> {
  return async (req, res) => {
    requireScope(req, 'dicomweb:read');
    const study = param(req, 'study');
    const series = param(req, 'series');
    const caller = callerOf(req, ctx.config);
    const { query, include, warnings } = parseQuery(level, queryOf(req), {
      ...(study === undefined ? {} : { study: checkedUid(study, 'The Study Instance UID in the address') }),
      ...(series === undefined ? {} : { series: checkedUid(series, 'The Series Instance UID in the address') }),
    });
    const form = resultForm(req);
    const catalogue = correctedCatalogue(ctx.archive.catalogue, ctx.corrections);
    const { rows, more, ignoredKeys = [] } = await catalogue.query(query);
    for (const tag of ignoredKeys) warnings.push(ignoredKey(keywordOf(tag.slice(-8)) ?? tag));
    if (more) {
      warnings.unshift(
        `There are more results; ask again with offset=${query.offset + rows.length} for those that follow.`,
      );
    }
    if (warnings.length > 0) res.setHeader('Warning', warningHeader(warnings));
    res.setHeader('Cache-Control', 'no-store');
    const wanted =
      include === 'all' ? include : new Set([...RETURNED[level], '00080005', '00080056', '00081190', ...include]);
    if (level !== 'study' && wanted !== 'all' && study === undefined) {
      for (const tag of RETURNED.study) wanted.add(tag);
      if (level === 'instance') for (const tag of RETURNED.series) wanted.add(tag);
    }
    if (req.method === 'HEAD') {
      res.type(form === 'json' ? 'application/dicom+json' : 'multipart/related').end();
      return;
    }
    if (form === 'xml') await sendXml(res, level, rows, wanted, caller.root);
    else await sendJson(res, level, rows, wanted, caller.root);
  };
}

function resultForm(req: Request): 'json' | 'xml' {
  for (const ask of mediaAsks(req.headers.accept, single(req, 'accept'))) {
    if (covers(ask.mediaType, 'application/dicom+json') || ask.mediaType === 'application/json') return 'json';
    if (ask.mediaType === 'application/dicom+xml') return 'xml';
  }
  throw new LifeboatError(
    'NOT_ACCEPTABLE',
    'Search results come as application/dicom+json or multipart/related; type="application/dicom+xml".',
  );
}

async function sendJson(
  res: Response,
  level: QueryLevel,
  rows: readonly DicomJson[],
  wanted: 'all' | ReadonlySet<string>,
  root: string,
): Promise<void> {
  res.setHeader('Content-Type', 'application/dicom+json');
  if (rows.length <= ROWS_A_CHUNK) {
    res.end(JSON.stringify(rows.map((row) => resultOf(level, row, wanted, root))));
    return;
  }
  for (let i = 0; i < rows.length; i += ROWS_A_CHUNK) {
    const text = rows
      .slice(i, i + ROWS_A_CHUNK)
      .map((row) => JSON.stringify(resultOf(level, row, wanted, root)))
      .join(',');
    await writeTo(res, `${i === 0 ? '[' : ','}${text}`);
    await breathe();
  }
  res.end(']');
}

async function sendXml(
  res: Response,
  level: QueryLevel,
  rows: readonly DicomJson[],
  wanted: 'all' | ReadonlySet<string>,
  root: string,
): Promise<void> {
  const writer = new MultipartWriter(res);
  res.setHeader('Content-Type', writer.contentType('application/dicom+xml'));
  for (const row of rows) {
    const xml = nativeDicomModel(resultOf(level, row, wanted, root));
    await writer.part({ 'Content-Type': 'application/dicom+xml' }, Buffer.from(xml));
  }
  await writer.end();
}
