import type { ApiError, LoginRequest, SessionInfo, ViewerBoot } from '../../../../contract/api.ts';
import { primePreferences } from '../preferences.ts';
import { isAttended } from './attention.ts';

/** A request the router refused or that did not reach it. `message` is a sentence for the reader. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.code = code;
  }
}

/** The address the build is served from; pages are one segment deep, so './' is always the root. */
export const root = new URL('./', document.baseURI).href;

let csrf = '';
/** Whose token `csrf` is. */
let user = '';
let boot: ViewerBoot | null | undefined;
const signedOutListeners = new Set<() => void>();

function remember(session: SessionInfo): void {
  csrf = session.csrf;
  user = session.user;
}

/** What the router wrote into the page, or null when nobody was signed in when it was sent. Read once. */
export function readBoot(): ViewerBoot | null {
  if (boot !== undefined) return boot;
  const text = document.getElementById('lifeboat-boot')?.textContent;
  boot = text ? (JSON.parse(text) as ViewerBoot) : null;
  if (boot) remember(boot.session);
  if (boot?.preferences) primePreferences(boot.preferences);
  return boot;
}

/** Called whenever the router says that the session is over. Returns the function that unsubscribes. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

/** The token that requests which change something must carry as `X-Lifeboat-CSRF` (for own XMLHttpRequests, say). */
export function csrfToken(): string {
  return csrf;
}

async function errorFrom(response: Response): Promise<RequestError> {
  let body: Partial<ApiError> = {};
  try {
    body = (await response.json()) as Partial<ApiError>;
  } catch {
    body = {};
  }
  return new RequestError(
    response.status,
    body.code ?? 'INTERNAL',
    body.message ?? `The router answered ${response.status} ${response.statusText}.`,
  );
}

async function send(path: string, init: { method?: string; body?: unknown; signal?: AbortSignal }): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  const method = init.method ?? 'GET';
  if (method !== 'GET') headers['x-lifeboat-csrf'] = csrf;
  if (!isAttended()) headers['x-lifeboat-unattended'] = '1';
  if (init.body !== undefined) headers['content-type'] = 'application/json';
  try {
    return await fetch(new URL(path, root), {
      method,
      headers,
      credentials: 'same-origin',
      body: init.body === undefined ? undefined : JSON.stringify(init.body),
      signal: init.signal,
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new RequestError(0, 'UNREACHABLE', 'Lifeboat does not answer; the page keeps trying.');
  }
}

/**
 * After another tab has begun a new session of the same person this page's token is an old one.
 * @returns whether there is a new one; the page loads anew when the session is somebody else's
 */
async function renewCsrf(): Promise<boolean> {
  const before = user;
  const session = await fetchSession();
  if (session && session.user !== before) location.reload();
  return session !== null && session.user === before;
}

/**
 * One call of the router's API.
 * @param path without leading slash, e.g. `api/status`
 * @throws RequestError; status 0 and code 'UNREACHABLE' when the router does not answer
 */
export async function request<T>(path: string, init: { method?: string; body?: unknown; signal?: AbortSignal } = {}) {
  let response = await send(path, init);
  let error = response.ok ? null : await errorFrom(response);
  if (error?.code === 'CSRF' && user && (await renewCsrf())) {
    response = await send(path, init);
    error = response.ok ? null : await errorFrom(response);
  }
  if (error) {
    if (error.status === 401 && path !== 'api/session') for (const listener of signedOutListeners) listener();
    throw error;
  }
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Query string of the set values; arrays become comma lists; empty ones are left out. */
export function queryString(values: Record<string, string | number | boolean | string[] | undefined | null>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    const text = Array.isArray(value) ? value.join(',') : value === true ? '1' : String(value);
    if (text) parameters.set(name, text);
  }
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

/** The present session, or null when nobody is signed in. */
export async function fetchSession(): Promise<SessionInfo | null> {
  try {
    const session = await request<SessionInfo>('api/session');
    remember(session);
    return session;
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) return null;
    throw error;
  }
}

export async function signIn(credentials: LoginRequest): Promise<SessionInfo> {
  const session = await request<SessionInfo>('api/session', { method: 'POST', body: credentials });
  remember(session);
  return session;
}

/** Replaces one's own password; every other session of the account ends, this one goes on with a new CSRF token. */
export async function changePassword(change: { current: string; next: string }): Promise<SessionInfo> {
  await request<void>('api/session/password', { method: 'POST', body: change });
  const session = await fetchSession();
  if (!session) throw new RequestError(401, 'UNAUTHENTICATED', 'The password is changed; sign in with it.');
  return session;
}

export async function signOut(): Promise<void> {
  await request<void>('api/session', { method: 'DELETE' });
  csrf = '';
  user = '';
}
