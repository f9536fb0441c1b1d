import { readFile } from 'node:fs/promises';

/** One part of an answer. */
export interface Part {
  headers: Map<string, string>;
  body: Buffer;
}

/** Cuts a whole multipart body at its boundary, independent of the router's own reader. */
export function partsOf(contentType: string, body: Buffer): Part[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (!boundary) throw new Error(`no boundary in ${contentType}`);
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = body.indexOf(delimiter);
  for (;;) {
    const next = body.indexOf(delimiter, at + delimiter.length);
    if (next < 0) break;
    const part = body.subarray(at + delimiter.length + 2, next - 2);
    const gap = part.indexOf('\r\n\r\n');
    const headers = new Map(
      part
        .toString('latin1', 0, gap)
        .split('\r\n')
        .map((line): [string, string] => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        }),
    );
    parts.push({ headers, body: part.subarray(gap + 4) });
    at = next;
  }
  return parts;
}

/** Body and Content-Type of a store request. */
export function storeRequest(files: readonly Uint8Array[], boundary = 'test-boundary') {
  const pieces: Uint8Array[] = [];
  for (const file of files) {
    pieces.push(Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), file, Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    body: Buffer.concat(pieces),
    contentType: `multipart/related; type="application/dicom"; boundary=${boundary}`,
  };
}

/** Reads files from disk. */
export function contents(paths: readonly string[]): Promise<Buffer[]> {
  return Promise.all(paths.map((path) => readFile(path)));
}
