import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRouter, type TestRouter } from '../support/router.ts';

describe('how a person likes to read', () => {
  let router: TestRouter;
  let admin: { cookie: string; csrf: string };

  const send = (method: string, path: string, body?: unknown) =>
    fetch(`${router.url}/api/preferences${path}`, {
      method,
      headers: { cookie: admin.cookie, 'x-lifeboat-csrf': admin.csrf, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const protocol = {
    name: 'MG',
    modality: ['MG'],
    layout: '2x2',
    panes: [{ study: 'current', series: [{ view: 'CC' }] }],
  };

  beforeAll(async () => {
    router = await startRouter();
    admin = await router.login();
  });
  afterAll(async () => {
    await router?.close();
  });

  it('is kept under the account, beside what the site gives everybody, and comes with the page', async () => {
    expect(await (await send('GET', '')).json()).toEqual({ own: {}, site: {} });
    expect((await send('PUT', '', { keys: { length: 'q' } })).status).toBe(204);
    expect((await send('PUT', '/site', { hanging: [protocol] })).status).toBe(204);
    const kept = { own: { keys: { length: 'q' } }, site: { hanging: [protocol] } };
    expect(await (await send('GET', '')).json()).toEqual(kept);
    expect((await send('PUT', '', { keys: { angle: 'w' } })).status).toBe(204);
    expect(await (await send('GET', '')).json()).toEqual({ ...kept, own: { keys: { angle: 'w' } } });
  });

  it('refuses what is no table of layouts, in words', async () => {
    for (const hanging of [[{ name: 'x', layout: '9x9' }], [{ name: 'x', layout: '1x1', colour: 'red' }], 'all']) {
      const answer = await send('PUT', '', { hanging });
      expect(answer.status).toBe(400);
      expect(((await answer.json()) as { message: string }).message).toMatch(/hanging/);
    }
    expect((await send('PUT', '/site', { hanging: [{ ...protocol, panes: [{ study: 'next' }] }] })).status).toBe(400);
  });
});
