import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ctSeries, TEST_STUDY } from '../../phantoms/ct.ts';
import { uidFrom } from '../../phantoms/uid.ts';
import type { InstanceManifest, StudyManifest } from '../../storage/format/manifest.ts';
import { chromiumAvailable } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { eventually, type ReadingPage, shown, startReadingPage } from '../support/reading-page.ts';

const run = promisify(execFile);
const installed = (program: string) => spawnSync('which', [program]).status === 0;
const study = { ...TEST_STUDY, name: 'annotations', patientID: 'NOTES-1', patientName: 'SAMPLE^Jürgen' };
const uid = uidFrom(study.name);
const KINDS = {
  report: '1.2.840.10008.5.1.4.1.1.88.33',
  keyImages: '1.2.840.10008.5.1.4.1.1.88.59',
  state: '1.2.840.10008.5.1.4.1.1.11.1',
  finding: '1.2.840.10008.5.1.4.1.1.88.11',
};

async function drag(page: Page, ...places: [number, number][]): Promise<void> {
  const box = (await page.locator('canvas.picture').first().boundingBox())!;
  await page.mouse.move(box.x + places[0]![0], box.y + places[0]![1]);
  await page.mouse.down();
  for (const [x, y] of places.slice(1)) await page.mouse.move(box.x + x, box.y + y);
  await page.mouse.up();
}

const words = async (page: Page) => (await page.locator('.measurements text').allTextContents()).sort();

describe.skipIf(!chromiumAvailable())('what a reader adds', () => {
  let reading: ReadingPage;
  let folder: string;

  /** An object of a kind as a file. @param back how many came after it */
  async function objectOf(kind: string, back = 0): Promise<{ instance: InstanceManifest; file: string }> {
    const address = `${reading.router.url}/api/studies/${uid}/manifest`;
    const manifest = (await (await reading.page.request.get(address)).json()) as StudyManifest;
    const instance = manifest.series
      .flatMap(({ instances }) => instances)
      .filter(({ sopClassUID }) => sopClassUID === kind)
      .sort((a, b) => b.receivedAt.localeCompare(a.receivedAt))[back]!;
    const file = join(folder, `${instance.sopInstanceUID}.dcm`);
    await writeFile(
      file,
      await (await reading.page.request.get(new URL(instance.url!, reading.router.url).href)).body(),
    );
    return { instance, file };
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-annotations-'));
    reading = await startReadingPage();
    await keepFiles(reading.router.router.context.archive, ctSeries(3, { rows: 128, columns: 128, study }));
    await reading.open(uid);
  });
  afterAll(async () => {
    await reading?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('keeps measurements and key images in the archive, and shows them when the study is opened again', async () => {
    const { page } = reading;
    await page.keyboard.press('l');
    await drag(page, [400, 300], [500, 380]);
    await page.keyboard.press('e');
    await drag(page, [560, 300], [600, 340], [680, 380]);
    await page.keyboard.press('c');
    await drag(page, [450, 450], [600, 450]);
    await drag(page, [450, 560], [600, 520]);
    await page.keyboard.press('j');
    await drag(page, [700, 200], [760, 160]);
    await page.getByLabel('Text of the mark').fill('Größe wie früher');
    await page.keyboard.press('Enter');
    await page.keyboard.press('b');
    await page.locator('.flag', { hasText: 'Key image' }).waitFor();
    const before = await words(page);
    expect(before).toHaveLength(4);
    await page.getByRole('button', { name: 'Keep 5 changes' }).click();
    await page.getByText('Kept in the archive (3 objects).').waitFor();
    expect(await page.getByRole('button', { name: /^Keep \d/ }).count()).toBe(0);
    await reading.open(uid);
    await eventually(() => words(page)).toEqual(before);
    await page.locator('.flag', { hasText: 'Key image' }).waitFor();
    // What is there already is not offered to be kept again; what is changed is.
    expect(await page.getByRole('button', { name: /^Keep \d/ }).count()).toBe(0);
    await page.keyboard.press('s');
    await drag(page, [400, 300], [380, 280]);
    await page.getByRole('button', { name: 'Keep 1 change' }).click();
    await page.getByText('Kept in the archive (2 objects).').waitFor();
    const changed = await words(page);
    expect(changed).not.toEqual(before);
    await reading.open(uid);
    await eventually(() => words(page)).toEqual(changed);
    // What is erased after it was kept is gone for the next reader too.
    await page.keyboard.press('Delete');
    await page.getByRole('button', { name: 'Keep 4 changes' }).click();
    await page.getByText('Kept in the archive (1 object).').waitFor();
    await reading.open(uid);
    await page.locator('.flag', { hasText: 'Key image' }).waitFor();
    await eventually(() => words(page)).toEqual([]);
  });

  it.skipIf(!installed('dciodvfy'))(
    'writes them as the standard has them: TID 1500, key objects, presentation state',
    async () => {
      for (const kind of [KINDS.report, KINDS.keyImages, KINDS.state]) {
        const { file, instance } = await objectOf(kind);
        expect(instance.source.via).toBe('stow');
        const { stderr } = await run('dciodvfy', [file]).catch((error: { stderr: string }) => error);
        expect(
          stderr.split('\n').filter((line) => line.startsWith('Error')),
          kind,
        ).toEqual([]);
      }
    },
  );

  it.skipIf(!installed('dsrdump'))(
    'DCMTK reads the report: lengths in mm, the region’s mean in HU, and the words',
    async () => {
      // The first of the three: the second holds the change, the third the withdrawal.
      const { file } = await objectOf(KINDS.report, 2);
      const { stdout } = await run('dsrdump', ['+Pc', '+U8', file]);
      expect(stdout).toContain('Imaging Measurement Report');
      expect(stdout).toMatch(/"Length"\)="[\d.]+" \(mm,UCUM/);
      const all = await run('dcmdump', ['+U8', (await objectOf(KINDS.state)).file]);
      expect(all.stdout).toContain('POLYLINE');
    },
  );

  it('keeps a finding as provisional, under the reader’s name, beside the images at once and when opened again', async () => {
    const { page } = reading;
    const text = 'Rundherd im linken Oberlappen, 24 mm.\nKeine Voraufnahme → Kontrolle.';
    await page.getByRole('button', { name: 'Write a provisional finding' }).click();
    await page.getByLabel('Provisional finding').fill(text);
    await page.getByRole('button', { name: 'Keep it' }).click();
    const finding = page.locator('.finding').first();
    await finding.getByText('Rundherd im linken').waitFor();
    expect(await finding.innerText()).toMatch(/^PROVISIONAL · admin · \d{4}-\d\d-\d\d/);
    await page.locator('.flag', { hasText: 'Provisional finding by admin' }).waitFor();
    await reading.open(uid);
    await page.locator('.finding').getByText('Kontrolle').waitFor();
    if (installed('dsrdump')) {
      const { file } = await objectOf(KINDS.finding);
      const { stdout } = await run('dsrdump', ['+Pl', '+U8', file]);
      expect(stdout).toContain('Oberlappen');
      expect(stdout).toContain('UNVERIFIED');
      expect((await run('dcmdump', ['+P', '0040,a496', file])).stdout).toContain('PRELIMINARY');
    }
  });

  it('lists the finding for the formal report', async () => {
    const { page, router } = reading;
    await page.goto(`${router.url}/findings`);
    const row = page.locator('tbody tr');
    await row.getByText('Rundherd im linken Oberlappen').waitFor();
    expect(await row.innerText()).toMatch(/admin[\s\S]*SAMPLE, Jürgen[\s\S]*NOTES-1[\s\S]*CT Thorax/);
    await row.getByRole('link').click();
    await shown(page);
  });

  it('a finding is ticked as formally reported, with who and when, and listed apart from then on', async () => {
    const { page, router } = reading;
    await page.goto(`${router.url}/findings`);
    const open = page.getByRole('table', { name: 'Provisional findings' });
    await open.getByRole('button', { name: /Tick the finding of SAMPLE, Jürgen/ }).click();
    await page.getByRole('button', { name: 'Not yet' }).click();
    expect(await page.getByRole('table', { name: 'Formally reported' }).count()).toBe(0);
    await open.getByRole('button', { name: /Tick the finding/ }).click();
    await page.getByRole('button', { name: 'The formal report is out' }).click();
    const done = page.getByRole('table', { name: 'Formally reported' });
    await done.getByText('Rundherd im linken Oberlappen').waitFor();
    expect(await done.locator('tbody td').last().innerText()).toMatch(/^admin, \d{4}-\d\d-\d\d \d\d:\d\d/);
    expect(await open.count()).toBe(0);
    await page.getByText('Every provisional finding has its formal report.').waitFor();
    if (installed('dsrdump')) {
      const { file } = await objectOf(KINDS.finding);
      const { stdout } = await run('dsrdump', ['+Pl', '+U8', file]);
      expect(stdout).toContain('The formal report has been issued');
      expect(stdout).toMatch(/Predecessor/i);
    }
  });

  it('works without errors in the page', () => {
    expect(reading.complaints).toEqual([]);
  });
});
