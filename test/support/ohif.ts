import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../peers/node_modules/@ohif/app/dist', import.meta.url));

/** Whether OHIF is installed (npm ci --prefix test/peers). */
export function ohifAvailable(): boolean {
  return existsSync(dist);
}

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** OHIF as its makers ship it; `/dicom-web` goes through to `target` (scheme, host, port) with `authorization` where given. */
export function serveOhif(target: string, authorization?: string): Server {
  const configuration = `window.config = ${JSON.stringify({
    routerBasename: '/',
    extensions: [],
    modes: [],
    showStudyList: true,
    defaultDataSourceName: 'dicomweb',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'dicomweb',
        configuration: {
          friendlyName: 'under test',
          name: 'dicomweb',
          qidoRoot: '/dicom-web',
          wadoRoot: '/dicom-web',
          qidoSupportsIncludeField: true,
          imageRendering: 'wadors',
          thumbnailRendering: 'wadors',
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: true,
          supportsWildcard: true,
          bulkDataURI: { enabled: true },
        },
      },
    ],
  })};`;
  return createServer((req, res) => {
    const path = (req.url ?? '/').split('?')[0]!;
    res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    res.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (path === '/app-config.js') {
      res.setHeader('Content-Type', 'text/javascript');
      res.end(configuration);
      return;
    }
    if (path.startsWith('/dicom-web')) {
      const headers = { ...req.headers, ...(authorization && { authorization }) };
      const forwarded = request(new URL(req.url!, target), { method: req.method, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      forwarded.on('error', () => res.destroy());
      req.pipe(forwarded);
      return;
    }
    const file = join(dist, normalize(path));
    const found = file.startsWith(dist) && extname(file) !== '' && existsSync(file) ? file : join(dist, 'index.html');
    readFile(found).then(
      (bytes) => {
        res.setHeader('Content-Type', TYPES[extname(found)] ?? 'application/octet-stream');
        res.end(bytes);
      },
      () => res.destroy(),
    );
  });
}
