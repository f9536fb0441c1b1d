import type { Request, Response } from 'express';

/** Sets the ETag; true (and 304 sent) when the client has it already (RFC 9110 13.1.2). */
export function notModified(req: Request, res: Response, etag: string): boolean {
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', 'private, no-cache');
  res.vary('Accept');
  const given = req.headers['if-none-match'];
  if (given === undefined) return false;
  const match = given.trim() === '*' || given.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  if (match) res.status(304).end();
  return match;
}
