import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Request, Response } from 'express';

const compress = promisify(gzip);
/** Below this many bytes compression costs more than it saves. */
const WORTH_COMPRESSING = 2048;

/** Sends JSON, gzip-compressed at the quickest level where the client takes it. */
export async function sendJson(req: Request, res: Response, body: unknown): Promise<void> {
  await sendJsonText(req, res, JSON.stringify(body));
}

export async function sendJsonText(req: Request, res: Response, text: string): Promise<void> {
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Vary', 'Accept-Encoding');
  const plain = Buffer.from(text, 'utf8');
  if (plain.length < WORTH_COMPRESSING || req.acceptsEncodings('gzip') !== 'gzip') {
    res.setHeader('Content-Length', plain.length);
    res.end(plain);
    return;
  }
  const packed = await compress(plain, { level: constants.Z_BEST_SPEED });
  res.setHeader('Content-Encoding', 'gzip');
  res.setHeader('Content-Length', packed.length);
  res.end(packed);
}
