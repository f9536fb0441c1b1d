import type { Request, RequestHandler } from 'express';
import type { Role, Scope, SessionInfo } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { Principal } from '../access/access-types.ts';
import type { Control } from '../access/control.ts';
import { sessionIdOf } from './session-cookie.ts';

export type Right = Scope | 'api' | 'admin' | 'arrivals';

const RIGHTS_OF: Record<Role, readonly Right[]> = {
  radiologist: ['api', 'dicomweb:read', 'dicomweb:write'],
  modality: ['arrivals', 'dicomweb:write'],
  admin: ['api', 'arrivals', 'admin', 'dicomweb:read', 'dicomweb:write', 'metrics'],
};

interface Known {
  principal: Principal;
  /** Present for session cookies. */
  session?: SessionInfo;
}
const known = new WeakMap<Request, Known>();

/** Also puts it where the DICOMweb handlers look for it. */
function remember(req: Request, found: Known): void {
  known.set(req, found);
  (req as Request & { principal?: Principal }).principal = found.principal;
}

/** Who asks, once one of the authenticating handlers below has run; undefined for nobody. */
export function principalOf(req: Request): Principal | undefined {
  return known.get(req)?.principal;
}

export function sessionOf(req: Request): SessionInfo | undefined {
  return known.get(req)?.session;
}

/** Remote address without port, IPv4 in its own form. */
export function addressOf(req: Request): string {
  return (req.ip ?? req.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
}

function person(name: string, role: Role, address: string, mustChange: boolean | undefined): Principal {
  if (mustChange) return { kind: 'user', name, role, scopes: new Set(), address, mustChangePassword: true };
  return { kind: 'user', name, role, scopes: new Set(RIGHTS_OF[role]), address };
}

/**
 * What a page asks for by itself, with nobody at the keyboard, does not keep a session alive: these always, others when the
 * page says so (the viewer does after a minute without a sign of somebody).
 */
const UNATTENDED = /^\/api\/(status|events)$/;
const isUnattended = (req: Request) => UNATTENDED.test(req.path) || req.get('x-lifeboat-unattended') === '1';

/** Recognises the session cookie; never refuses. */
export function recogniseSession(control: Control): RequestHandler {
  return (req, _res, next) => {
    const id = sessionIdOf(req);
    const session = id && control.sessions.use(id, !isUnattended(req));
    if (session) {
      const { user, role, mustChangePassword } = session;
      remember(req, { principal: person(user, role, addressOf(req), mustChangePassword), session });
    }
    next();
  };
}

/**
 * Recognises `Authorization: Basic` (accounts) and `Bearer` (machine tokens), for /dicom-web and /metrics. Wrong credentials
 * are refused even when a cookie would do.
 */
export function recogniseMachine(control: Control): RequestHandler {
  return async (req, _res, next) => {
    const [, scheme, value] = /^(\S+) +(\S+)$/.exec(req.headers.authorization ?? '') ?? [];
    const address = addressOf(req);
    if (scheme?.toLowerCase() === 'bearer') {
      const token = control.tokens.use(value!);
      if (!token || 'expired' in token) {
        control.signIn.refused(
          token ? `token:${token.expired}` : 'token',
          address,
          token ? 'token has expired' : 'unknown token',
        );
        throw new LifeboatError('BAD_CREDENTIALS', 'The token is unknown or has expired.');
      }
      remember(req, {
        principal: { kind: 'token', name: `token:${token.name}`, scopes: new Set(token.scopes), address },
      });
    } else if (scheme?.toLowerCase() === 'basic') {
      const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(value!, 'base64').toString('utf8')) ?? [];
      if (user === undefined || password === undefined) {
        control.signIn.refused('nobody', address, 'broken credentials');
        throw new LifeboatError('BAD_CREDENTIALS');
      }
      const account = await control.signIn.verifyBasic(user, password, address);
      remember(req, { principal: person(account.name, account.role, address, account.mustChangePassword) });
    } else if (req.headers.authorization !== undefined) {
      control.signIn.refused('nobody', address, 'unknown scheme of authentication');
      throw new LifeboatError('BAD_CREDENTIALS', 'Only the authentication schemes Basic and Bearer are known here.');
    }
    next();
  };
}

/** Whoever is signed in, also with a password that must be changed first. @throws UNAUTHENTICATED */
export function demandAnybody(req: Request): Principal {
  const principal = principalOf(req);
  if (!principal) throw new LifeboatError('UNAUTHENTICATED');
  return principal;
}

/** @throws UNAUTHENTICATED, PASSWORD_CHANGE_REQUIRED, FORBIDDEN */
export function demand(req: Request, right?: Right): Principal {
  const principal = demandAnybody(req);
  if (principal.mustChangePassword) throw new LifeboatError('PASSWORD_CHANGE_REQUIRED');
  if (right && !principal.scopes.has(right))
    throw new LifeboatError(
      'FORBIDDEN',
      principal.kind === 'token' ? `The token lacks the scope ${right}.` : undefined,
    );
  return principal;
}

/** Lets only those pass who hold the right (none named: anybody signed in). */
export function requireRight(right?: Right): RequestHandler {
  return (req, _res, next) => {
    demand(req, right);
    next();
  };
}
