import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRouter, type TestRouter } from '../support/router.ts';
import { recordedRoutes, recordRoutes } from '../support/routes.ts';

/** Who may ask: nobody in particular, somebody whose password is not yet their own, the roles, tokens of each scope. */
const ALL = ['nobody', 'newcomer', 'radiologist', 'modality', 'admin', 'reader', 'writer', 'scraper'] as const;
type Who = (typeof ALL)[number];

const EVERYBODY: readonly Who[] = ALL;
const SIGNED_IN: readonly Who[] = ['radiologist', 'modality', 'admin'];
const OWN_PASSWORD: readonly Who[] = ['newcomer', ...SIGNED_IN];
const READERS: readonly Who[] = ['radiologist', 'admin'];
const SCANNER_STAFF: readonly Who[] = ['modality', 'admin'];
const ADMIN: readonly Who[] = ['admin'];
const RETRIEVE: readonly Who[] = ['radiologist', 'admin', 'reader'];
const STORE: readonly Who[] = ['radiologist', 'modality', 'admin', 'writer'];
/** The signature is the permission; without one nobody. Signed ones: http-objects.test.ts. */
const BY_SIGNATURE: readonly Who[] = [];

const STUDY = '/dicom-web/studies/:study';
const SERIES = `${STUDY}/series/:series`;
const INSTANCE = `${SERIES}/instances/:instance`;

/**
 * Every route of the router and who may use it. A route that is not in here makes the test fail: decide who may use it, then
 * add its line.
 */
const MAY_USE: Record<string, readonly Who[]> = {
  'GET /': EVERYBODY,
  'GET /*path': EVERYBODY,
  'GET /healthz': EVERYBODY,
  'GET /readyz': EVERYBODY,
  'GET /metrics': ['admin', 'scraper'],
  'GET /objects/*key': BY_SIGNATURE,

  'GET /api/session': OWN_PASSWORD,
  'POST /api/session': EVERYBODY,
  'DELETE /api/session': EVERYBODY,
  'POST /api/session/password': OWN_PASSWORD,
  'GET /api/session/all': SIGNED_IN,
  'DELETE /api/session/others': SIGNED_IN,

  'GET /api/status': SIGNED_IN,
  'GET /api/events': SIGNED_IN,
  'GET /api/arrivals': SCANNER_STAFF,
  'GET /api/backfill': ADMIN,
  'POST /api/backfill': ADMIN,
  'GET /api/readiness': READERS,
  'GET /api/schedule': SCANNER_STAFF,
  'POST /api/schedule': SCANNER_STAFF,
  'PATCH /api/schedule/:id': SCANNER_STAFF,
  'DELETE /api/schedule/:id': SCANNER_STAFF,
  'POST /api/schedule/steps': SCANNER_STAFF,
  'POST /api/schedule/unscheduled/:id': SCANNER_STAFF,
  'GET /api/worklist': READERS,
  'POST /api/worklist': READERS,
  'GET /api/preferences': READERS,
  'PUT /api/preferences': READERS,
  'PUT /api/preferences/site': ADMIN,
  'GET /api/studies/:uid/manifest': READERS,
  'GET /api/studies/:uid/zip': READERS,
  'GET /api/studies/:uid/teaching': READERS,

  'GET /api/users': ADMIN,
  'POST /api/users': ADMIN,
  'PATCH /api/users/:name': ADMIN,
  'DELETE /api/users/:name': ADMIN,
  'GET /api/tokens': ADMIN,
  'POST /api/tokens': ADMIN,
  'DELETE /api/tokens/:id': ADMIN,
  'GET /api/aes': ADMIN,
  'POST /api/aes': ADMIN,
  'DELETE /api/aes/:title': ADMIN,
  'GET /api/audit': ADMIN,
  'GET /api/refusals': ADMIN,

  'GET /api/forwarding': ADMIN,
  'POST /api/forwarding': ADMIN,
  'GET /api/forwarding/rules': ADMIN,
  'PUT /api/forwarding/rules': ADMIN,
  'POST /api/forwarding/try': ADMIN,
  'GET /api/corrections': ADMIN,
  'POST /api/corrections': ADMIN,
  'DELETE /api/corrections/:study': ADMIN,
  'GET /api/reconcile': ADMIN,
  'POST /api/reconcile': ADMIN,
  'GET /api/reconcile/:id': ADMIN,
  'POST /api/reconcile/:id/again': ADMIN,
  'POST /api/reconcile/:id/findings/:finding': ADMIN,
  'POST /api/reconcile/:id/sign': ADMIN,
  'GET /api/reconcile/:id/pdf': ADMIN,
  'GET /api/reconcile/:id/csv': ADMIN,
  'GET /api/outages': ADMIN,
  'GET /api/outages/csv': ADMIN,
  'POST /api/outages/planned': ADMIN,
  'DELETE /api/outages/planned/:id': ADMIN,
  'GET /api/lifeboat': ADMIN,
  'GET /api/retention': ADMIN,
  'POST /api/retention/canary': ADMIN,
  'POST /api/retention/alerts/:id/seen': ADMIN,
  'GET /api/retention/plan': ADMIN,
  'POST /api/retention/plan': ADMIN,
  'GET /api/retention/holds': ADMIN,
  'GET /api/retention/holds/:uid': ADMIN,
  'POST /api/retention/holds/:uid': ADMIN,
  'GET /api/integrity': ADMIN,
  'GET /api/integrity/findings': ADMIN,
  'GET /api/integrity/repairs': ADMIN,
  'GET /api/integrity/report.csv': ADMIN,
  'GET /api/integrity/report.pdf': ADMIN,
  'GET /api/integrity/studies/:uid': ADMIN,
  'POST /api/integrity/findings/:id/repair': ADMIN,
  'POST /api/integrity/pass': ADMIN,
  'POST /api/integrity/seal': ADMIN,
  'POST /api/integrity/studies/:uid/verify': ADMIN,

  'OPTIONS /dicom-web/.*/': RETRIEVE,
  'GET /dicom-web/capabilities': RETRIEVE,
  'GET /dicom-web/studies': RETRIEVE,
  'GET /dicom-web/series': RETRIEVE,
  'GET /dicom-web/instances': RETRIEVE,
  [`GET ${STUDY}/series`]: RETRIEVE,
  [`GET ${STUDY}/instances`]: RETRIEVE,
  [`GET ${SERIES}/instances`]: RETRIEVE,
  'POST /dicom-web/studies': STORE,
  [`POST ${STUDY}`]: STORE,
  'POST /dicom-web/commitment-requests/:transaction': STORE,
  'GET /dicom-web/commitment-requests/:transaction': STORE,
  'ALL /dicom-web/studies': STORE,
  [`ALL ${STUDY}`]: STORE,
  ...Object.fromEntries(
    [
      STUDY,
      SERIES,
      INSTANCE,
      ...[STUDY, SERIES, INSTANCE].flatMap((level) => [`${level}/metadata`, `${level}/rendered`, `${level}/thumbnail`]),
      `${INSTANCE}/bulkdata/:range`,
      `${INSTANCE}/frames/:frames`,
      `${INSTANCE}/frames/:frames/rendered`,
      `${INSTANCE}/frames/:frames/thumbnail`,
    ].map((path) => [`GET ${path}`, RETRIEVE]),
  ),
};

const VALUES: Record<string, string> = {
  ':study': '1.2.3',
  ':series': '1.2.3.4',
  ':instance': '1.2.3.4.5',
  ':uid': '1.2.3',
  ':range': '1-2',
  ':frames': '1',
  '*key': 'objects/00/1.2.3/1.2.3.4/1.2.3.4.5.0000000000000000.dcm?e=9999999999&s=forged',
  '*path': 'upload',
};

/** An address of the route that names nothing there is, so that what is allowed changes nothing. */
function addressOf(path: string): string {
  if (path === '/dicom-web/.*/') return '/dicom-web/studies';
  return path.replace(/[:*][a-z]+/g, (name) => VALUES[name] ?? 'nothing-there');
}

describe('who may do what', () => {
  let test: TestRouter;
  let viewerDir: string;
  let found: ReturnType<typeof recordedRoutes>;
  const tokens = new Map<Who, string>();

  beforeAll(async () => {
    viewerDir = await mkdtemp(join(tmpdir(), 'lifeboat-roles-'));
    await writeFile(join(viewerDir, 'index.html'), '<!doctype html><head></head><body>page</body>');
    recordRoutes();
    test = await startRouter({ viewerDir });
    found = recordedRoutes();
    const { users, tokens: made } = test.router.control;
    for (const role of ['radiologist', 'modality'] as const)
      await users.add(role, role, 'a long enough password', { mustChange: false });
    await users.add('newcomer', 'admin', 'a long enough password', { mustChange: true });
    for (const [name, scope] of [
      ['reader', 'dicomweb:read'],
      ['writer', 'dicomweb:write'],
      ['scraper', 'metrics'],
    ] as const)
      tokens.set(name, made.create({ name, scopes: [scope] }).secret);
  });
  afterAll(async () => {
    await test?.close();
    await rm(viewerDir, { recursive: true, force: true });
  });

  /** A session of its own for each request: some routes end sessions. */
  function credentials(who: Who): Record<string, string> {
    if (who === 'nobody') return {};
    const token = tokens.get(who);
    if (token) return { Authorization: `Bearer ${token}` };
    const { sessions } = test.router.control;
    const id = sessions.begin(who);
    return { Cookie: `lifeboat_session=${id}`, 'X-Lifeboat-CSRF': sessions.use(id)!.csrf };
  }

  async function isAllowed(route: string, who: Who): Promise<boolean> {
    const [method, path] = route.split(' ') as [string, string];
    const sent = method === 'ALL' ? 'PUT' : method;
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(sent);
    const answer = await fetch(`${test.url}${addressOf(path)}`, {
      method: sent,
      // Not from this machine, for /metrics.
      headers: { ...credentials(who), 'Content-Type': 'application/json', 'X-Forwarded-For': '203.0.113.9' },
      ...(hasBody && { body: '{}' }),
    });
    await answer.body?.cancel();
    return answer.status !== 401 && answer.status !== 403;
  }

  it('is decided for every route there is, and for none that there is not', () => {
    expect({ undecided: found.routes.filter((route) => !(route in MAY_USE)) }).toEqual({ undecided: [] });
    expect({ gone: Object.keys(MAY_USE).filter((route) => !found.routes.includes(route)) }).toEqual({ gone: [] });
    const addresses = Object.keys(MAY_USE).map((route) => `${route.split(' ')[1]}/`);
    const beside = found.functions.filter(
      (path) => !addresses.some((address) => address.startsWith(`${path}/`.replace('//', '/'))),
    );
    expect({ beside }).toEqual({ beside: [] });
  });

  it('is what the table says, asked of the router for everyone on every route', async () => {
    const wrong: string[] = [];
    for (const [route, allowed] of Object.entries(MAY_USE))
      for (const who of ALL) {
        const is = await isAllowed(route, who);
        if (is !== allowed.includes(who)) wrong.push(`${route}: ${who} is ${is ? 'allowed' : 'refused'}`);
      }
    expect(wrong).toEqual([]);
  });

  it('holds for HTTP Basic too, which opens /dicom-web and /metrics and nothing else', async () => {
    const ask = async (user: string, path: string) => {
      const basic = Buffer.from(`${user}:a long enough password`).toString('base64');
      const headers = { Authorization: `Basic ${basic}`, 'X-Forwarded-For': '203.0.113.9' };
      const answer = await fetch(`${test.url}${path}`, { headers });
      await answer.body?.cancel();
      return answer.status;
    };
    expect(await ask('radiologist', '/dicom-web/studies')).toBe(200);
    for (const [user, path] of [
      ['modality', '/dicom-web/studies'],
      ['newcomer', '/dicom-web/studies'],
      ['radiologist', '/metrics'],
      ['newcomer', '/metrics'],
    ] as const)
      expect([user, path, await ask(user, path)]).toEqual([user, path, 403]);
    for (const path of ['/api/worklist', '/api/users', '/api/session'])
      expect(await ask('radiologist', path)).toBe(401);
  });
});
