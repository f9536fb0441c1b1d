import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSeries, TEST_STUDY } from '../../phantoms/ct.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { eventually, type ReadingPage, shown, startReadingPage } from '../support/reading-page.ts';

const small = { rows: 32, columns: 32 };
const first = { ...TEST_STUDY, name: 'links first', patientID: 'LINK-1', accessionNumber: 'ACC-1', date: '20260101' };
const older = { ...first, name: 'links older', accessionNumber: 'ACC-2', date: '20250101' };
/** Another patient's study whose number contains that of the first. */
const other = { ...first, name: 'links other', patientID: 'LINK-10', accessionNumber: 'ACC-10' };

describe.skipIf(!chromiumAvailable())('links of other systems', () => {
  let reading: ReadingPage;

  beforeAll(async () => {
    reading = await startReadingPage();
    const { archive } = reading.router.router.context;
    for (const study of [first, older, other]) await keepFiles(archive, ctSeries(2, { ...small, study }));
  });
  afterAll(async () => {
    await reading?.close();
  });

  const follow = async (address: string) => {
    await reading.page.goto(`${reading.router.url}${address}`);
  };
  const shownStudies = () => new URL(reading.page.url()).searchParams.get('StudyInstanceUIDs');

  it('opens the study of an accession number, that alone, and takes the number out of the address', async () => {
    for (const address of ['/viewer?AccessionNumber=ACC-1', '/viewer?requestType=STUDY&accessionNumber=ACC-1']) {
      await follow(address);
      await shown(reading.page);
      expect(shownStudies()).toBe(uidFrom(first.name));
      expect(reading.page.url()).not.toContain('ACC-1');
    }
  });

  it('opens what IHE Invoke Image Display asks for: a study by UID, the newest of a patient', async () => {
    await follow(`/IHEInvokeImageDisplay?requestType=STUDY&studyUID=${uidFrom(older.name)}`);
    await shown(reading.page);
    expect(await reading.page.locator('.corner-top-right').first().innerText()).toContain('2025-01-01');
    await follow('/IHEInvokeImageDisplay?requestType=PATIENT&patientID=LINK-1^^^SAMPLE&mostRecentResults=1');
    await shown(reading.page);
    expect(shownStudies()).toBe(uidFrom(first.name));
    await follow('/IHEInvokeImageDisplay?requestType=PATIENT&patientID=LINK-1&upperDateTime=2025-06-01T00:00:00');
    await shown(reading.page);
    expect(shownStudies()).toBe(uidFrom(older.name));
  });

  it('asks which study where a patient has several, and says where there is none', async () => {
    const { page } = reading;
    await follow('/viewer?PatientID=LINK-1');
    await page.getByText('Several studies fit').waitFor();
    const choices = page.locator('.desk-message li a');
    expect(await choices.count()).toBe(2);
    await choices.filter({ hasText: '2025-01-01' }).click();
    await shown(page);
    expect(shownStudies()).toBe(uidFrom(older.name));
    await follow('/viewer?AccessionNumber=NO-SUCH');
    await page.getByText('No study on board has the number NO-SUCH').waitFor();
  });

  it('does what the reader’s own keys say, and shows them', async () => {
    const { page } = reading;
    await reading.open(uidFrom(first.name));
    await page.getByRole('button', { name: /^More/ }).click();
    await page.getByText('Keys of my own…').click();
    const field = page.getByLabel('Next', { exact: true });
    await field.focus();
    await page.keyboard.press('l');
    expect(await page.locator('dialog [role=alert]').innerText()).toContain('“Length”');
    await page.keyboard.press(';');
    await eventually(() => field.inputValue()).toBe(';');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press(';');
    await eventually(() => page.locator('.slice').first().innerText()).toBe('2 / 2');
    await page.keyboard.press('?');
    expect(await page.locator('.help kbd').allInnerTexts()).toContain(';');
    await page.keyboard.press('Escape');
    // The account keeps them: another browser of the same person has them too.
    const answer = await page.request.get(`${reading.router.url}/api/preferences`);
    expect(await answer.json()).toMatchObject({ own: { keys: { next: ';' } } });
    expect(reading.complaints).toEqual([]);
  });
});
