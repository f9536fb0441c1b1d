import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { wadoFetch } from '../../router/backfill/wado-fetch.ts';
import type { Reception } from '../../storage/receive-types.ts';

const stops: (() => unknown)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** What is taken in from a service that answers with this content type and body. */
async function taken(answer: (accept: string) => [number, string, string]): Promise<string[]> {
  const server = createServer((req, res) => {
    const [status, type, body] = answer(req.headers.accept ?? '');
    res.writeHead(status, { 'Content-Type': type }).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  stops.push(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const kept: string[] = [];
  const beginFile = (): Reception => {
    let bytes = '';
    return {
      write: (chunk) => {
        bytes += Buffer.from(chunk).toString('latin1');
      },
      finish: async () => {
        kept.push(bytes);
        return {
          studyInstanceUID: '1',
          seriesInstanceUID: '2',
          sopInstanceUID: '3',
          sopClassUID: '',
          transferSyntaxUID: '',
          size: bytes.length,
          dataSetSha256: '',
        };
      },
      abort: () => undefined,
    };
  };
  const instances = [{ seriesInstanceUID: '2', sopInstanceUID: '3' }];
  const into = { receiver: { beginFile }, source: { via: 'import' } } as const;
  await wadoFetch({ url, headers: () => ({}) }, '1', instances, into, AbortSignal.timeout(5_000));
  return kept;
}

it('takes an image that comes alone, without parts', async () => {
  expect(await taken(() => [200, 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1', 'an image'])).toEqual([
    'an image',
  ]);
  const only = (accept: string): [number, string, string] =>
    accept === 'application/dicom' ? [200, 'application/dicom', 'an image'] : [406, 'text/plain', 'no'];
  expect(await taken(only)).toEqual(['an image']);
});

it('takes an image in parts, and an empty answer for no image', async () => {
  const parts = '--b\r\nContent-Type: application/dicom\r\n\r\nan image\r\n--b--';
  const type = 'multipart/related; type="application/dicom"; boundary=b';
  expect(await taken(() => [200, type, parts])).toEqual(['an image']);
  await expect(taken(() => [200, 'application/dicom', ''])).rejects.toMatchObject({ code: 'PEER_FAILED_STATUS' });
  await expect(taken(() => [404, 'text/plain', 'no'])).rejects.toMatchObject({ code: 'PEER_FAILED_STATUS' });
});
