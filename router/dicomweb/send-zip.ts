import type { Request, Response } from 'express';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { ZipWriter } from '../export/zip-writer.ts';
import { writeTo } from './multipart-writer.ts';

/** Objects as stored in one ZIP, `SERIES/INSTANCE.dcm`, streamed. */
export async function sendZip(
  store: ObjectStore,
  req: Request,
  res: Response,
  entries: readonly InstanceEntry[],
  name: string,
): Promise<void> {
  res.setHeader('Content-Type', 'application/zip');
  res.setHeader('Content-Disposition', `attachment; filename="${name}.zip"`);
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  const writer = new ZipWriter({ write: (bytes) => writeTo(res, bytes) });
  for (const entry of entries) {
    const { body } = await store.stream(entry.key, { start: 0, end: entry.size });
    try {
      await writer.add(`${entry.seriesInstanceUID}/${entry.sopInstanceUID}.dcm`, entry.size, body);
    } finally {
      body.destroy();
    }
  }
  await writer.finish();
  res.end();
}
