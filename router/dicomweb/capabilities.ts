import type { Request, Response } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import { covers, mediaAsks } from './accept.ts';
import { FRAME_MEDIA_TYPES } from './media-types.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from './query-parameters.ts';
import { single } from './request.ts';
import { TARGET_SYNTAXES } from './transcode.ts';

interface Resource {
  path: string;
  methods: Record<string, readonly string[]>;
}

const SEARCH = ['application/dicom+json', 'multipart/related; type="application/dicom+xml"'];
const OBJECTS = [
  'multipart/related; type="application/dicom"',
  'multipart/related; type="application/dicom"; transfer-syntax=*',
  'application/zip',
];
const FRAMES = [
  'application/octet-stream',
  'multipart/related; type="application/octet-stream"',
  ...FRAME_MEDIA_TYPES.map((type) => `multipart/related; type="${type}"`),
];
const RENDERED = ['image/jpeg', 'image/png'];
const STUDY = 'studies/{study}';
const SERIES = `${STUDY}/series/{series}`;
const INSTANCE = `${SERIES}/instances/{instance}`;

const RESOURCES: readonly Resource[] = [
  { path: 'studies', methods: { GET: SEARCH, POST: ['application/dicom+json', 'application/dicom+xml'] } },
  { path: 'series', methods: { GET: SEARCH } },
  { path: 'instances', methods: { GET: SEARCH } },
  { path: `${STUDY}/series`, methods: { GET: SEARCH } },
  { path: `${STUDY}/instances`, methods: { GET: SEARCH } },
  { path: `${SERIES}/instances`, methods: { GET: SEARCH } },
  { path: STUDY, methods: { GET: OBJECTS, POST: ['application/dicom+json', 'application/dicom+xml'] } },
  { path: SERIES, methods: { GET: OBJECTS } },
  { path: INSTANCE, methods: { GET: [...OBJECTS, 'application/dicom'] } },
  ...[STUDY, SERIES, INSTANCE].map((path) => ({ path: `${path}/metadata`, methods: { GET: SEARCH } })),
  ...[STUDY, SERIES, INSTANCE, `${INSTANCE}/frames/{frames}`].flatMap((path) => [
    { path: `${path}/rendered`, methods: { GET: RENDERED } },
    { path: `${path}/thumbnail`, methods: { GET: RENDERED } },
  ]),
  { path: `${INSTANCE}/frames/{frames}`, methods: { GET: FRAMES } },
  {
    path: 'commitment-requests/{transactionUID}',
    methods: { GET: ['application/dicom+json'], POST: ['application/dicom+json'] },
  },
  {
    path: `${INSTANCE}/bulkdata/{range}`,
    methods: { GET: ['application/octet-stream', 'multipart/related; type="application/octet-stream"'] },
  },
];

const NOTES = {
  store:
    'Parts of type application/dicom (PS3.10 files), or metadata (application/dicom+json, the first part) and bulk data. A Content-Encoding answers 415.',
  search: `limit defaults to ${DEFAULT_LIMIT} and goes up to ${MAX_LIMIT}; a Warning header says when there are more. fuzzymatching is supported.`,
  transferSyntaxes: TARGET_SYNTAXES,
  contents:
    'Extension: ?content=SHA256 on an instance, its metadata, frames and bulk data means an older content kept under the same SOP Instance UID; BulkDataURIs name their content.',
};

function xmlText(value: string): string {
  return value.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function wadl(base: string): string {
  const resources = RESOURCES.map(({ path, methods }) => {
    const ways = Object.entries(methods).map(([name, types]) => {
      const request =
        name !== 'POST'
          ? ''
          : path.startsWith('commitment-requests')
            ? '<request><representation mediaType="application/dicom+json"/></request>'
            : '<request><representation mediaType="multipart/related; type=&#34;application/dicom&#34;"/><representation mediaType="multipart/related; type=&#34;application/dicom+json&#34;"/><representation mediaType="application/dicom"/></request>';
      const answers = types.map((type) => `<representation mediaType="${xmlText(type)}"/>`).join('');
      return `<method name="${name}">${request}<response>${answers}</response></method>`;
    });
    return `<resource path="${path}">${ways.join('')}</resource>`;
  });
  const notes = xmlText(`${NOTES.store} ${NOTES.search} ${NOTES.contents}`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="http://wadl.dev.java.net/2009/02"><doc>${notes}</doc><resources base="${xmlText(base)}/">${resources.join('')}</resources></application>\n`;
}

/** Retrieve capabilities (PS3.18 8.9): WADL, or the same in JSON. */
export function sendCapabilities(req: Request, res: Response): void {
  res.setHeader('Allow', 'GET, HEAD, POST, OPTIONS');
  for (const ask of mediaAsks(req.headers.accept, single(req, 'accept'))) {
    if (covers(ask.mediaType, 'application/vnd.sun.wadl+xml') || ask.mediaType === 'application/xml') {
      res.type('application/vnd.sun.wadl+xml').send(Buffer.from(wadl(req.baseUrl)));
      return;
    }
    if (ask.mediaType === 'application/json' || ask.mediaType === 'application/dicom+json') {
      res.type('application/json').send(JSON.stringify({ resources: RESOURCES, notes: NOTES }));
      return;
    }
  }
  throw new LifeboatError('NOT_ACCEPTABLE', 'Capabilities come as application/vnd.sun.wadl+xml or application/json.');
}
