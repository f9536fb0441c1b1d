import { createServer } from 'node:http';
import type { StoreConfig } from '../../storage/stores/open-store.ts';

export interface LyingS3 {
  config: StoreConfig & { kind: 's3' };
  close(): Promise<void>;
}

/**
 * A store that says it locks objects and keeps only some of its promise, as real ones have done: answers just what trying a lock
 * asks for.
 * @param lies what it does although it should refuse it
 */
export async function startLyingS3(lies: 'deletes' | 'shortens' | 'forgets' | 'forces'): Promise<LyingS3> {
  const versions = new Map<string, { body: Buffer; until: string; mode: string }>();
  let next = 1;
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://store');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const version = searchParams.get('versionId') ?? '';
      const found = versions.get(version);
      const xml = (status: number, text: string) => {
        response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${text}`);
      };
      const refuse = () => xml(403, '<Error><Code>AccessDenied</Code><Message>locked</Message></Error>');
      const method = `${request.method}${searchParams.has('retention') ? ' retention' : ''}`;
      if (searchParams.has('object-lock'))
        return xml(
          200,
          '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
        );
      if (method === 'PUT') {
        const id = `v${next++}`;
        const until = String(request.headers['x-amz-object-lock-retain-until-date'] ?? '');
        versions.set(id, { body, until, mode: String(request.headers['x-amz-object-lock-mode'] ?? '') });
        return response.writeHead(200, { 'x-amz-version-id': id, etag: '"e"' }).end();
      }
      if (!found) return xml(404, '<Error><Code>NoSuchVersion</Code></Error>');
      if (method === 'GET retention') {
        if (lies === 'forgets' || !found.until)
          return xml(404, '<Error><Code>NoSuchObjectLockConfiguration</Code></Error>');
        return xml(
          200,
          `<Retention><Mode>${found.mode}</Mode><RetainUntilDate>${found.until}</RetainUntilDate></Retention>`,
        );
      }
      if (method === 'PUT retention') return lies === 'shortens' ? response.writeHead(200).end() : refuse();
      if (method === 'DELETE') {
        const force = request.headers['x-amz-bypass-governance-retention'] === 'true';
        if (found.until && !(lies === 'deletes' || (lies === 'forces' && force))) return refuse();
        versions.delete(version);
        return response.writeHead(204).end();
      }
      return response.writeHead(200, { 'content-length': found.body.length }).end(found.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    config: {
      kind: 's3',
      bucket: 'images',
      endpoint: `http://127.0.0.1:${port}`,
      accessKey: 'a',
      secretKey: 'b',
      region: 'us-east-1',
      lock: { days: 30, mode: 'GOVERNANCE' },
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
