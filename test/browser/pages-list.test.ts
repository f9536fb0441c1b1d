import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataSet, writePart10 } from '../../phantoms/part10-writer.ts';
import { sampleStudies } from '../../phantoms/sample-studies.ts';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';

const run = promisify(execFile);
const storescu = await run('storescu', ['--version']).then(
  () => true,
  () => false,
);
const seen = process.env['LIFEBOAT_TEST_PICTURES'];

/** A small image of patient `name`; `n` makes its UIDs. */
function image(name: string, n: number): Uint8Array {
  const dataSet: DataSet = {
    '00080005': ['CS', 'ISO_IR 192'],
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
    '00080018': ['UI', `2.25.77.${n}.1.1`],
    '00080020': ['DA', `2025${String((n % 12) + 1).padStart(2, '0')}11`],
    '00080060': ['CS', 'OT'],
    '00081030': ['LO', `Study number ${n}`],
    '0008103E': ['LO', '<img src=x onerror="window.ran=1">'],
    '00100010': ['PN', name],
    '00100020': ['LO', `P-${n}`],
    '0020000D': ['UI', `2.25.77.${n}`],
    '0020000E': ['UI', `2.25.77.${n}.1`],
    '00280002': ['US', 1],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280010': ['US', 2],
    '00280011': ['US', 2],
    '00280100': ['US', 8],
    '00280101': ['US', 8],
    '00280102': ['US', 7],
    '00280103': ['US', 0],
    '7FE00010': ['OB', new Uint8Array([0, 80, 160, 255])],
  };
  return writePart10(dataSet);
}

describe.skipIf(!chromiumAvailable())('the pages around reading, in a browser', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;
  let files: string;

  const go = (path: string) => page.goto(`${router.url}/${path}`);
  const body = () => page.innerText('body');
  const shows = async (wanted: string | RegExp) => {
    await page.getByText(wanted).first().waitFor({ timeout: 15_000 });
  };
  const patients = () => page.locator('.worklist-open strong').allInnerTexts();
  const picture = async (name: string) => {
    if (!seen) return;
    for (const [width, height] of [
      [2560, 1440],
      [1366, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(seen, `${name}-${width}.png`) });
    }
  };

  beforeAll(async () => {
    files = await mkdtemp(join(tmpdir(), 'lifeboat-pages-'));
    router = await startRouter({ env: { LIFEBOAT_ACCEPT_AE: 'CT1' }, viewerDir: process.env['LIFEBOAT_TEST_VIEWER'] });
    for (const study of sampleStudies({ scale: 0.05 }))
      await keepFiles(router.router.context.archive, study.instances());
    await keepFiles(router.router.context.archive, [image('<script>ran()</script>^<b onclick>bold</b>', 1)]);
    await keepFiles(
      router.router.context.archive,
      Array.from({ length: 60 }, (_, n) => image(`Patient^Number ${n + 100}`, n + 100)),
    );
    browser = await startBrowser();
    page = await browser.page();
  });
  afterAll(async () => {
    await browser?.close();
    await router?.close();
    await rm(files, { recursive: true, force: true });
  });

  /** The worklist as it begins: opened anew under the same address the browser keeps search and sorting. */
  const freshWorklist = async () => {
    await go('');
    await page.getByRole('link', { name: 'Patients' }).click();
  };
  const search = async (words: string) => {
    await freshWorklist();
    await page.getByRole('searchbox').fill(words);
  };

  it('refuses a wrong password in words and leads on to the page that was asked for', async () => {
    await go('it?tab=users');
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password').fill('wrong');
    await picture('sign-in');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.notice-bad').waitFor();
    expect(await page.locator('.notice-bad').innerText()).toMatch(/password/i);
    await picture('sign-in-refused');
    await page.getByLabel('Password').fill(ADMIN_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shows('Add a user');
    expect(page.url()).toMatch(/\/it\?tab=users$/);
    await search('SAMPLE-002');
    await shows('山田, 太郎');
  });

  it('shows names of every script and nothing of a name runs', async () => {
    await freshWorklist();
    await shows('SAMPLE Jørgensen, Ada');
    const shown = await body();
    for (const name of ['SAMPLE Иванов, Пётр', '山田, 太郎', 'やまだ, たろう', '王, 小東'])
      expect(shown).toContain(name);
    await picture('worklist');
    await search('bold');
    await shows('<script>ran()</script>, <b onclick>bold</b>');
    await go('arrivals');
    await shows('<script>ran()</script>, <b onclick>bold</b>');
    await picture('arrivals');
    expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();
  });

  it('searches as one types, sorts, pages, keeps all of it over a reload and on the way back, and none of it in an address', async () => {
    const asked: string[] = [];
    const note = (request: Request) => asked.push(decodeURIComponent(request.url()));
    page.on('request', note);
    await freshWorklist();
    await page.locator('.worklist-open').first().waitFor();
    await page.locator('.worklist-open').first().focus();
    await page.keyboard.press('/');
    await page.keyboard.type('иванов');
    await expect.poll(patients).toEqual(['SAMPLE Иванов, Пётр']);
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('Patient');
    await expect.poll(body).toContain('1 to 50 of 60 studies');
    await page.getByRole('button', { name: 'Patient', exact: true }).click();
    await expect.poll(async () => (await patients())[0]).toBe('Patient, Number 100');
    await page.getByRole('button', { name: 'Next' }).click();
    await expect.poll(body).toContain('51 to 60 of 60 studies');
    expect((await patients()).at(-1)).toBe('Patient, Number 159');
    await page.reload();
    await expect.poll(body).toContain('51 to 60 of 60 studies');
    expect(await page.getByRole('searchbox').inputValue()).toBe('Patient');
    await page.locator('.worklist-open').first().click();
    await page.waitForURL(/viewer\?StudyInstanceUIDs=/);
    await page.goBack();
    await expect.poll(body).toContain('51 to 60 of 60 studies');
    expect(page.url()).toBe(`${router.url}/`);
    page.off('request', note);
    expect(asked.filter((url) => url.endsWith('/api/worklist')).length).toBeGreaterThan(3);
    for (const url of asked) expect(url).not.toMatch(/иванов|patient|P-1|search/i);
  });

  it('shows a study that arrives without a reload', async () => {
    await search('Newcomer');
    await shows('No study matches.');
    await keepFiles(router.router.context.archive, [image('Newcomer^Nora', 900)]);
    await expect.poll(patients, { timeout: 15_000 }).toEqual(['Newcomer, Nora']);
  });

  it('is walked with the arrow keys and opened with Enter', async () => {
    await search('Patient, Number');
    await page.getByRole('button', { name: 'Patient', exact: true }).click();
    await expect.poll(async () => (await patients())[0]).toBe('Patient, Number 100');
    await page.getByRole('searchbox').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/viewer\?StudyInstanceUIDs=/);
    expect(page.url()).toContain('2.25.77.101');
  });

  it('uploads what was chosen and tells the result of every file', async () => {
    const good = Buffer.from(image('Uploaded^Una', 901));
    await writeFile(join(files, 'good.dcm'), good);
    await writeFile(join(files, 'readme.txt'), 'Thank you for choosing this CD.');
    await writeFile(join(files, 'torn.dcm'), good.subarray(0, 200));
    await go('upload');
    await picture('upload');
    await page
      .locator('input[type=file]')
      .last()
      .setInputFiles(['good.dcm', 'readme.txt', 'torn.dcm'].map((name) => join(files, name)));
    await shows('1 kept, 1 refused, 1 left out');
    await picture('upload-done');
    const row = (name: string) => page.locator('.upload-rows tr', { hasText: name }).innerText();
    expect(await row('good.dcm')).toContain('kept');
    expect(await row('readme.txt')).toContain('not a DICOM file');
    expect(await row('torn.dcm')).toContain('refused');
    await search('Uploaded');
    await expect.poll(patients).toEqual(['Uploaded, Una']);
  });

  it.skipIf(!storescu)('lists a sender it does not know and lets IT allow it with one click', async () => {
    const file = join(files, 'good.dcm');
    await writeFile(file, image('Scanned^Sam', 902));
    const send = () =>
      run('storescu', ['-aet', 'NEWSCAN', '-aec', router.aeTitle, '127.0.0.1', String(router.dicomPort), file]);
    await expect(send()).rejects.toThrow();
    await go('it?tab=senders');
    await shows('refused, waiting for you');
    await picture('it-senders');
    await page.locator('tr', { hasText: 'NEWSCAN' }).getByRole('button', { name: 'Allow' }).click();
    await page.locator('tr', { hasText: 'NEWSCAN' }).getByText('allowed', { exact: true }).waitFor();
    await send();
    await go('arrivals');
    await shows('Scanned, Sam');
    await page.getByLabel('Show only').selectOption('NEWSCAN');
    await page.reload();
    await shows('Scanned, Sam');
    expect(await body()).not.toContain('Uploaded, Una');
    await picture('arrivals-one');
  });

  it('adds a user who can sign in, shows a token once, and keeps both in the audit trail', async () => {
    await go('it?tab=users');
    const form = page.getByRole('form', { name: 'Add a user' });
    await form.getByLabel('User').fill('nightdoc');
    await form.getByLabel(/^Password/).fill('short');
    await form.getByRole('button', { name: 'Add a user' }).click();
    await page.locator('.notice-bad').waitFor();
    await form.getByLabel(/^Password/).fill('a password long enough');
    await form.getByRole('button', { name: 'Add a user' }).click();
    await shows('User nightdoc is added.');
    await picture('it-users');
    await go('it?tab=tokens');
    await page.getByLabel('Name of the machine').fill('OHIF');
    await page.getByRole('button', { name: 'Make a token' }).click();
    await shows('Token OHIF. Copy it now; it is not shown again.');
    const secret = await page.locator('.it-secret').innerText();
    const asked = await fetch(`${router.url}/dicom-web/studies?limit=1`, {
      headers: { Authorization: `Bearer ${secret}`, Accept: 'application/dicom+json' },
    });
    expect(asked.status).toBe(200);
    await picture('it-tokens');
    await page.reload();
    await shows('OHIF');
    expect(await body()).not.toContain(secret);
    await go('it?tab=audit&action=user-change');
    await shows('added as radiologist');
    await picture('it-audit');
    await go('it?tab=refusals');
    await shows('Reason');
    await picture('it-refusals');
    await go('it?tab=system');
    await shows('Main PACS');
    await picture('it-system');
  });

  it('makes somebody with a password of IT’s choose one first, on any page, and then goes on', async () => {
    await page.context().clearCookies();
    await go('upload');
    const signIn = async (password: string) => {
      await page.getByLabel('User name').fill('nightdoc');
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await signIn('a password long enough');
    await shows('Choose a password of your own');
    await picture('password-first');
    await go('');
    await page.getByLabel('Present password').waitFor();
    expect(await body()).not.toContain('SAMPLE');
    await page.getByLabel('Present password').fill('a password long enough');
    await page.getByLabel('New password (10 characters or more)').fill('quite another one');
    await page.getByLabel('The new password again').fill('quite another ne');
    await page.getByRole('button', { name: 'Save the new password' }).click();
    await shows('The two new passwords differ.');
    await page.getByLabel('The new password again').fill('quite another one');
    await page.getByRole('button', { name: 'Save the new password' }).click();
    await shows('SAMPLE Jørgensen, Ada');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('User name').waitFor();
    await signIn('quite another one');
    await shows('SAMPLE Jørgensen, Ada');
  });

  it('tells the router when somebody is at the page and when nobody is', async () => {
    const asked: { path: string; unattended: boolean }[] = [];
    await page.clock.install();
    await search('Patient');
    await expect.poll(patients).not.toEqual([]);
    page.on('request', (request) => {
      const path = new URL(request.url()).pathname;
      asked.push({ path, unattended: request.headers()['x-lifeboat-unattended'] === '1' });
    });
    await page.clock.fastForward(61_000);
    await keepFiles(router.router.context.archive, [image('Patient^Late', 950)]);
    await expect
      .poll(
        async () => {
          await page.clock.runFor(1000);
          return asked.filter(({ path }) => path === '/api/worklist');
        },
        { timeout: 15_000 },
      )
      .toContainEqual({ path: '/api/worklist', unattended: true });
    await page.mouse.move(300, 300);
    await expect.poll(() => asked).toContainEqual({ path: '/api/session', unattended: false });
    const before = page;
    page = await browser.page();
    await before.close();
  });

  it('goes on after another tab of the same person has begun a new session', async () => {
    await search('Patient');
    const other = await page.context().newPage();
    await other.goto(`${router.url}/account`);
    await other.getByLabel('Present password').fill('quite another one');
    await other.getByLabel('New password (10 characters or more)').fill('yet another one now');
    await other.getByLabel('The new password again').fill('yet another one now');
    await other.getByRole('button', { name: 'Save the new password' }).click();
    await other.getByText('Your password is changed.').waitFor();
    await other.close();
    await page.getByRole('searchbox').fill('SAMPLE');
    await shows('SAMPLE Jørgensen, Ada');
    expect(await body()).not.toContain('did not come from this site');
  });

  it('shows where one is signed in and signs out everywhere else', async () => {
    await router.login('nightdoc', 'yet another one now');
    await go('account');
    await shows('Where you are signed in');
    const rows = page.locator('.account-sessions tbody tr');
    await expect.poll(() => rows.count()).toBeGreaterThan(1);
    expect(await rows.filter({ hasText: 'this browser' }).innerText()).toContain('Chrome, Linux');
    await picture('account');
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await shows('Nowhere else.');
    expect(await rows.count()).toBe(1);
  });

  it('leads modality staff to the arrivals, the page they may see', async () => {
    await router.loginAs('modality', 'scanner-staff');
    await page.context().clearCookies();
    await go('');
    await page.getByLabel('User name').fill('scanner-staff');
    await page.getByLabel('Password').fill('scanner-staff has a password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Arrivals' }).waitFor();
    expect(await page.getByRole('navigation').first().innerText()).not.toContain('Patients');
  });
});
