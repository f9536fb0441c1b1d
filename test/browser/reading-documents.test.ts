import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumAvailable } from '../support/browser.ts';
import { documentStudy, encapsulatedPdf, keepDocuments } from '../support/documents.ts';
import { eventually, panePictures, type ReadingPage, startReadingPage } from '../support/reading-page.ts';

describe.skipIf(!chromiumAvailable())('documents beside the pictures', () => {
  let reading: ReadingPage;
  const body = () => reading.page.locator('.document-body');
  const open = async (kind: string) => {
    await reading.page.locator('.document-link', { hasText: kind }).click();
    await body().waitFor();
  };
  const close = async () => await reading.page.locator('.dialog-document').getByText('Close').click();

  beforeAll(async () => {
    reading = await startReadingPage();
    await keepDocuments(reading.router);
    await reading.open(documentStudy);
  });
  afterAll(async () => {
    await reading.close();
  });

  it('count as shown: nothing of the study is left over', async () => {
    await eventually(async () => await reading.page.locator('.all-shown').textContent()).toMatch(/All 5 objects/);
  });

  it('a report is read as a page, warns that nobody signed it, and leads to its image', async () => {
    await open('Structured report');
    await eventually(async () => await body().textContent()).toMatch(/A nodule in the left lung/);
    expect(await body().textContent()).toMatch(/not verified/);
    expect(await body().textContent()).toMatch(/12.5 mm/);
    await body().getByText('Image 2').click();
    await eventually(async () => (await panePictures(reading.page))[0]).toContain('2.25.1002.');
    expect(await reading.page.locator('.dialog-document').count()).toBe(0);
  });

  it('an ECG lies on ruled paper: 1 mV is 10 mm high, 1 s is 25 mm long', async () => {
    await open('Waveform');
    const path = reading.page.locator('path[data-lead="II"]');
    await path.waitFor();
    const box = await path.evaluate((line) => {
      const { x, y, width, height } = (line as SVGPathElement).getBBox();
      return { x, y, width, height };
    });
    expect(box.height).toBeCloseTo(10, 1);
    expect(box.width).toBeCloseTo(50, 0);
    expect(await body().textContent()).toMatch(/40 ms by 0.1 mV/);
    await reading.page.getByLabel('Paper speed').selectOption('50');
    await eventually(
      async () => await path.evaluate((line) => (line as SVGPathElement).getBBox().width),
    ).toBeGreaterThan(99);
    await close();
  });

  it('a PDF is handed on byte for byte', async () => {
    await open('PDF document');
    const saved = reading.page.waitForEvent('download');
    await body().getByText('Download the PDF').click();
    const stream = await (await saved).createReadStream();
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).equals(Buffer.from(encapsulatedPdf))).toBe(true);
    await close();
  });

  it('the page breaks no rule of its own', () => {
    expect(reading.complaints).toEqual([]);
  });
});
