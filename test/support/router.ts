import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, loadConfig } from '../../router/config.ts';
import { type RunningRouter, serve } from '../../router/serve.ts';

const root = resolve(import.meta.dirname, '../..');
export const ADMIN_PASSWORD = 'correct horse battery';

/** A signed-in browser as far as HTTP goes: cookie kept, CSRF header sent. */
export interface Browser {
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** JSON of a GET that must succeed. */
  json<T>(path: string): Promise<T>;
  /** Sends JSON, with the CSRF token. */
  send(method: string, path: string, body?: unknown): Promise<Response>;
  cookie: string;
  csrf: string;
}

export interface TestRouter {
  router: RunningRouter;
  /** `http://127.0.0.1:PORT` */
  url: string;
  dicomPort: number;
  aeTitle: string;
  dataDir: string;
  /** `Authorization` value of the administrator, for /dicom-web. */
  basic: string;
  /** Signs in; the administrator when no one is named. */
  login(user?: string, password?: string): Promise<Browser>;
  /** Makes an account and signs in with it. */
  loginAs(role: 'radiologist' | 'modality' | 'admin', user?: string): Promise<Browser>;
  /** Closes the router and removes the data folder, unless `keepData`. */
  close(options?: { keepData?: boolean }): Promise<void>;
}

export interface TestRouterOptions {
  /** LIFEBOAT_* settings on top of the test's own: free ports, any sender, quiet log. */
  env?: Record<string, string>;
  /** Keep using this data folder (a restart). */
  dataDir?: string;
  /** Fields of the configuration to set directly. */
  config?: Partial<Config>;
  viewerDir?: string;
}

function settings(dataDir: string, env: Record<string, string> = {}): Record<string, string> {
  return {
    LIFEBOAT_DATA: dataDir,
    LIFEBOAT_HTTP_PORT: '0',
    LIFEBOAT_HTTP_HOST: '127.0.0.1',
    LIFEBOAT_DICOM_PORT: '0',
    LIFEBOAT_ACCEPT_AE: '*',
    LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD,
    LIFEBOAT_SPOOL_MIN_FREE_MB: '16',
    LIFEBOAT_SCRUB_MB_PER_S: '0',
    LIFEBOAT_LOG_LEVEL: process.env['LIFEBOAT_TEST_LOG'] ?? 'error',
    ...env,
  };
}

/** Signs in over HTTP and keeps the cookie. */
export async function signIn(url: string, user: string, password: string): Promise<Browser> {
  const answer = await fetch(`${url}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user, password }),
  });
  if (!answer.ok) throw new Error(`sign-in of ${user}: ${answer.status} ${await answer.text()}`);
  const { csrf } = (await answer.json()) as { csrf: string };
  const cookie = answer.headers.getSetCookie().map((line) => line.split(';')[0])[0]!;
  const browser: Browser = {
    cookie,
    csrf,
    fetch: (path, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set('Cookie', browser.cookie);
      return fetch(`${url}${path}`, { ...init, headers });
    },
    json: async <T>(path: string) => {
      const got = await browser.fetch(path);
      if (!got.ok) throw new Error(`GET ${path}: ${got.status} ${await got.text()}`);
      return (await got.json()) as T;
    },
    send: (method, path, body) =>
      browser.fetch(path, {
        method,
        headers: { 'Content-Type': 'application/json', 'X-Lifeboat-CSRF': browser.csrf },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
  return browser;
}

const basicOf = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;

/** A router in this process, on free ports, in a temporary data folder. */
export async function startRouter(options: TestRouterOptions = {}): Promise<TestRouter> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'lifeboat-test-')));
  const config = loadConfig({ env: settings(dataDir, options.env), cwd: dataDir });
  const router = await serve({ ...config, ...options.config }, { viewerDir: options.viewerDir });
  const url = router.url.replace('localhost', '127.0.0.1');
  const login = (user = 'admin', password = ADMIN_PASSWORD) => signIn(url, user, password);
  return {
    router,
    url,
    dicomPort: router.dicomPort,
    aeTitle: config.aeTitle,
    dataDir,
    basic: basicOf('admin', ADMIN_PASSWORD),
    login,
    loginAs: async (role, user = `test-${role}`) => {
      const password = `${user} has a password`;
      await router.control.users.add(user, role, password, { mustChange: false });
      return login(user, password);
    },
    close: async ({ keepData = false } = {}) => {
      await router.close();
      if (!keepData) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export interface RouterProcess {
  process: ChildProcess;
  url: string;
  dicomPort: number;
  aeTitle: string;
  dataDir: string;
  basic: string;
  /** What it has printed so far, standard output and error. */
  output(): string;
  login(user?: string, password?: string): Promise<Browser>;
  /** Ends it as asked (SIGTERM by default) and waits; returns the exit code, or null after SIGKILL. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `lifeboat serve` as a process of its own, for tests that kill it. The data folder is the caller's. */
export async function startRouterProcess(options: {
  dataDir: string;
  env?: Record<string, string>;
  readyTimeoutMs?: number;
}): Promise<RouterProcess> {
  const env = settings(options.dataDir, options.env);
  const child = spawn(process.execPath, [join(root, 'bin/lifeboat.mjs'), 'serve'], {
    cwd: options.dataDir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const ports = await new Promise<{ http: number; dicom: number }>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the router was not ready in time; it printed:\n${output}`));
    }, options.readyTimeoutMs ?? 30_000);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const http = /viewer\s+https?:\/\/[^\s:]+:(\d+)/i.exec(output)?.[1];
      const dicom = /DICOM\s+AE \S+,? port (\d+)/i.exec(output)?.[1];
      if (!http || !dicom || !/^Ready/m.test(output)) return;
      clearTimeout(timer);
      resolve({ http: Number(http), dicom: Number(dicom) });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the router ended with code ${code}; it printed:\n${output}`));
    });
  });
  const url = `http://127.0.0.1:${ports.http}`;
  return {
    process: child,
    url,
    dicomPort: ports.dicom,
    aeTitle: env['LIFEBOAT_AE_TITLE'] ?? 'LIFEBOAT',
    dataDir: options.dataDir,
    basic: basicOf('admin', env['LIFEBOAT_ADMIN_PASSWORD'] ?? ''),
    output: () => output,
    login: (user = 'admin', password = env['LIFEBOAT_ADMIN_PASSWORD'] ?? '') => signIn(url, user, password),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}
