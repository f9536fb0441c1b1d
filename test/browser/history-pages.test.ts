import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackfillState } from '../../router/backfill/backfill-state.ts';
import type { PacsStudy } from '../../router/backfill/pacs-source.ts';
import { withFields } from '../../router/worklist/worklist-fields.ts';
import { dayOf } from '../../router/worklist/worklist-store.ts';
import { freePort } from '../bench/receivers.ts';
import { accessibilityFindings } from '../support/accessibility.ts';
import { fitsBothSizes, pictures } from '../support/both-sizes.ts';
import { chromiumAvailable, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const today = dayOf(new Date());
const people = [
  { name: 'Lindqvist^Maja', id: 'P-1001', time: '0800', modality: 'CT', station: 'CT1', what: 'Abdomen with contrast' },
  { name: 'Okonkwo^Chidi', id: 'P-1002', time: '0845', modality: 'MR', station: 'MR1', what: 'Knee left' },
  { name: 'Şahin^Elif', id: 'P-1003', time: '0930', modality: 'CT', station: 'CT1', what: 'Thorax follow-up' },
  { name: '山田^太郎', id: 'P-1004', time: '1015', modality: 'CR', station: 'DX2', what: 'Chest PA and lateral' },
];

function study(n: number, patient: (typeof people)[number], images: number, daysAgo: number): PacsStudy {
  return {
    studyInstanceUID: `1.2.826.0.4.${n}`,
    patientName: patient.name,
    patientID: patient.id,
    accessionNumber: `A${n}`,
    studyDate: dayOf(new Date(), -daysAgo),
    studyTime: '1000',
    instances: images,
    modalities: [patient.modality],
    description: patient.what,
    issuerOfPatientID: '',
  };
}

describe.skipIf(!chromiumAvailable())('scanner worklist, readiness and backfill, in a browser', () => {
  let router: TestRouter;
  let browser: TestBrowser;
  let page: Page;

  const shows = (wanted: string | RegExp) => page.getByText(wanted).first().waitFor({ timeout: 20_000 });
  const picture = (name: string) => fitsBothSizes(page, `history-${name}`);

  beforeAll(async () => {
    const port = await freePort();
    router = await startRouter({
      env: { LIFEBOAT_PACS: `PACS@127.0.0.1:${port}`, LIFEBOAT_RIS: `RIS@127.0.0.1:${port}` },
      viewerDir: process.env['LIFEBOAT_TEST_VIEWER'],
    });
    const { ris, archive } = router.router.context;
    const items = people.map(({ name, id, time, modality, station, what }, n) =>
      withFields(
        {},
        {
          patientName: name,
          patientID: id,
          patientBirthDate: '19620314',
          patientSex: n % 2 ? 'M' : 'F',
          accessionNumber: `ACC${n}`,
          studyInstanceUID: `1.2.826.0.4.9${n}`,
          modality,
          stationAETitle: station,
          startDate: today,
          startTime: time,
          description: what,
          stepID: `S${n}`,
        },
      ),
    );
    ris!.worklist.answered(items, { from: today, to: today });
    const [ready, partly, missing, fresh] = people;
    await keepFiles(archive, smallStudy('1.2.826.0.4.1', 3));
    await keepFiles(archive, smallStudy('1.2.826.0.4.2', 2));
    const state = new BackfillState(router.dataDir);
    state.knowPatient(ready!.id, '', [study(1, ready!, 3, 2)]);
    state.knowPatient(partly!.id, '', [study(2, partly!, 5, 400)]);
    state.knowPatient(missing!.id, '', [study(3, missing!, 412, 3), study(4, missing!, 96, 500)]);
    state.knowPatient(fresh!.id, '', []);
    for (let ago = 0; ago < 7; ago++)
      state.knowDay(
        dayOf(new Date(), -ago),
        ago === 2 ? [study(1, ready!, 3, 2)] : ago === 3 ? [study(3, missing!, 412, 3)] : [],
      );
    state.urge(study(3, missing!, 412, 3), `${today}0930`);
    state.studyFailed('1.2.826.0.4.3', 'C-MOVE status 0xA801', { expected: 412, here: 0 }, null);
    state.close();
    browser = await startBrowser();
    page = await browser.page();
    await page.goto(`${router.url}/readiness`);
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', ADMIN_PASSWORD);
    await page.click('button[type=submit]');
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await router?.close();
  });

  it('readiness says with the PACS down who is on board, who is not and why, on screen and on paper', async () => {
    await shows('2 of 4 patients ready');
    await shows('1 of 2 studies complete');
    await shows('3 of 415 images');
    await shows(/Given up: C-MOVE status 0xA801/);
    await shows('0 of 412');
    await shows('2 of 5');
    await shows(/PACS cannot be asked now/);
    const rows = page.locator('.readiness-table').first().locator('tbody tr');
    expect(await rows.first().textContent()).toMatch(/Şahin/);
    await picture('readiness');
    expect(await accessibilityFindings(page, { tabs: 6 })).toEqual([]);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.shell-bar').isVisible()).toBe(false);
    expect(await page.locator('.readiness-print').isVisible()).toBe(false);
    await shows(/As of \d{4}/);
    const white = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(white).toBe('rgb(255, 255, 255)');
    if (pictures) await page.pdf({ path: join(pictures, 'history-readiness.pdf'), preferCSSPageSize: true });
    await page.emulateMedia({ media: 'screen' });
  }, 60_000);

  it('the scanner worklist says how old it is, takes a change and an unscheduled patient', async () => {
    await page.goto(`${router.url}/ris`);
    await shows(/The RIS does not answer\. Scanners get its list of/);
    await shows('Lindqvist, Maja');
    await page
      .getByRole('row', { name: /Okonkwo/ })
      .getByRole('button', { name: 'Change' })
      .click();
    await page.getByLabel('Scanner (AE title)').fill('MR2');
    if (pictures) await page.screenshot({ path: join(pictures, 'history-ris-form.png') });
    await page.getByRole('button', { name: 'Save' }).click();
    await shows(/changed here: scanner \(admin/);
    await page.getByRole('button', { name: 'Unscheduled patient' }).click();
    await page.getByLabel('Modality').fill('ct');
    await page.getByLabel(/Note/).fill('found at the station, about 60');
    await page.getByRole('button', { name: 'Save' }).click();
    await shows(/^LB\d{6}-/);
    await shows('found at the station, about 60');
    await picture('ris');
    expect(await accessibilityFindings(page, { tabs: 6 })).toEqual([]);
    await page.getByLabel('Patient ID or order').fill('P-2000');
    await page.getByRole('button', { name: 'Matched' }).click();
    await shows(/P-2000 \(admin/);
  }, 60_000);

  it('a backfill is started, says what it waits for, and is paused', async () => {
    await page.goto(`${router.url}/it?tab=backfill`);
    await page.getByLabel('From (study date)').fill('2024-01-01');
    await page.getByLabel(/^Modalities/).fill('ct, mr');
    await page.getByRole('button', { name: 'Start' }).click();
    await shows(/2024-01-01 to .*CT, MR/);
    await shows(/Stands still and waits for the (main )?PACS/);
    await picture('backfill');
    await page.getByRole('button', { name: 'Pause' }).click();
    await shows('paused');
    await page.getByLabel(/^Hours/).fill('at night');
    await page.getByRole('button', { name: 'Start' }).click();
    await shows(/not of the form 22:00-06:00/);
  }, 60_000);
});
