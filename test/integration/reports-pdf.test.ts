import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeCsv } from '../../router/reports/csv.ts';
import { makePdf } from '../../router/reports/make-pdf.ts';
import { writePdf } from '../../router/reports/pdf.ts';
import type { ReportBlock } from '../../router/reports/report-types.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifeboat-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pdfOf = (...blocks: ReportBlock[]) =>
  writePdf({ title: 'Reconciliation with PACS', footer: 'Lifeboat test', blocks });

/** As a person would read it: poppler's text of the pages. */
function readBack(pdf: Buffer): string {
  const file = join(folder, 'report.pdf');
  writeFileSync(file, pdf);
  const { stdout, stderr, status } = spawnSync('pdftotext', ['-layout', '-enc', 'UTF-8', file, '-'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  // What only says in which direction a line runs.
  return stdout.replace(/[\u202a-\u202e]/g, '');
}

/** The names of PS3.5 Annexes H to K, and one that mixes. */
const NAMES = [
  'Yamada^Tarou=山田^太郎=やまだ^たろう',
  'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎',
  'Hong^Gildong=洪^吉洞=홍^길동',
  'Wang^XiaoDong=王^小東',
  'Люкceмбypг',
  'Διονυσιος',
  'Äneas^Rüdiger',
  'Zażółć^Gęślą',
  'ประไพ^สมชาย',
];

describe.skipIf(spawnSync('which', ['pdftotext']).status !== 0)('a report as PDF', () => {
  it('says names in every script', async () => {
    const rows = NAMES.map((name, n) => [name, String(n)]);
    const columns = [
      { head: 'Patient', share: 3 },
      { head: 'Images', align: 'right' as const },
    ];
    const text = readBack(await pdfOf({ kind: 'table', columns, rows }));
    for (const name of NAMES) expect(text).toContain(name);
  });

  it('says names that are written from right to left, several words of them in their order', async () => {
    const names = ['قباني', 'שרון', 'محمد علي حسن'];
    const text = readBack(await pdfOf({ kind: 'text', text: names.join('\n') }));
    for (const name of names) expect(text).toContain(name);
  });

  it('shows what it cannot draw as a code, and drops nothing, also when it is made in a thread of its own', async () => {
    const blocks = [{ kind: 'text' as const, text: 'a\u{10fffd}b\u0007c' }];
    const text = readBack(await makePdf({ title: 'T', footer: 'F', blocks }));
    expect(text).toContain('a[U+10FFFD]b[U+0007]c');
  });

  it('carries the heading of a table on, numbers its pages, and loses no row', async () => {
    const rows = Array.from({ length: 150 }, (_, n) => [`Row${n}x`, '1.2.3.'.repeat(12)]);
    const text = readBack(await pdfOf({ kind: 'table', columns: [{ head: 'Head of table' }, { head: 'UID' }], rows }));
    const pages = text.split('\f').filter((page) => page.trim() !== '');
    expect(pages.length).toBeGreaterThan(2);
    for (const [n, page] of pages.entries()) {
      expect(page).toContain('Head of table');
      expect(page).toContain(`Page ${n + 1} of ${pages.length}`);
    }
    for (const [name] of rows) expect(text).toContain(name);
  });

  it('breaks a row that is longer than a page', async () => {
    const words = Array.from({ length: 1500 }, (_, n) => `w${n}x`);
    const columns = [{ head: 'A' }, { head: 'B', share: 2 }];
    const text = readBack(await pdfOf({ kind: 'table', columns, rows: [['left', words.join(' ')]] }));
    for (const word of words) expect(text).toContain(word);
  });
});

describe('a report as CSV', () => {
  it('quotes, keeps names, and makes no formula', () => {
    const csv = writeCsv(
      ['Patient', 'Images'],
      [
        ['Müller^"Max"', 3],
        ['=1+1', -2],
      ],
    );
    expect(csv).toBe('\ufeff"Patient","Images"\r\n"Müller^""Max""","3"\r\n"\'=1+1","-2"\r\n');
  });
});
