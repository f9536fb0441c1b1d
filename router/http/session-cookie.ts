import type { Request, Response } from 'express';

const COOKIE = 'lifeboat_session';

/** The session id of the request's cookie, as the browser sent it. */
export function sessionIdOf(req: Request): string | undefined {
  for (const part of (req.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === COOKIE) return part.slice(at + 1).trim() || undefined;
  }
  return undefined;
}

/** HttpOnly and SameSite=Strict always, Secure behind TLS (our own or, with LIFEBOAT_TRUST_PROXY, the proxy's). */
export function setSessionCookie(req: Request, res: Response, id: string): void {
  res.cookie(COOKIE, id, { httpOnly: true, sameSite: 'strict', secure: req.secure, path: '/' });
}

export function clearSessionCookie(req: Request, res: Response): void {
  res.clearCookie(COOKIE, { httpOnly: true, sameSite: 'strict', secure: req.secure, path: '/' });
}
