import PDFDocument from 'pdfkit';
import { type FontName, fontOf } from './fonts.ts';
import type { Report, ReportBlock, ReportColumn } from './report-types.ts';
import { type TextLine, textLines } from './text-lines.ts';

/** Points. */
const MARGIN = 42;
const FOOT = 30;
const SIZE = { title: 18, heading: 12, text: 9.5, table: 8, foot: 7.5 };
const LEADING = 1.35;
const CELL_PADDING = 3;
const INK = '#1a1a1a';
const SOFT = '#5a5a5a';
const RULE = '#c8c8c8';

/**
 * A report as a PDF file, A4. Names in any script come out; a character that no font has as its code, `[U+10FFFF]`. A thousand
 * rows take a second of this thread: the router calls `makePdf`.
 */
export function writePdf(report: Report): Promise<Buffer> {
  const page = new Page(report);
  page.text(report.title, SIZE.title, true);
  if (report.subtitle) page.text(report.subtitle, SIZE.text, false, SOFT);
  for (const block of report.blocks) draw(page, block);
  return page.finish(report.footer);
}

function draw(page: Page, block: ReportBlock): void {
  switch (block.kind) {
    case 'heading':
      page.space(10);
      page.keep(60);
      page.text(block.text, SIZE.heading, true);
      return;
    case 'text':
      page.space(4);
      page.text(block.text, SIZE.text, false);
      return;
    case 'facts': {
      page.space(4);
      const columns = [{ head: '' }, { head: '', share: 2 }];
      for (const [name, value] of block.rows) page.row(columns, [name, value], SIZE.text, 'facts');
      return;
    }
    case 'table':
      page.space(6);
      page.keep(50);
      page.head(block.columns);
      for (const cells of block.rows) page.row(block.columns, cells, SIZE.table, 'row');
      return;
    case 'signatures':
      page.space(16);
      page.keep(40 * block.lines.length);
      for (const line of block.lines) page.signature(line);
  }
}

class Page {
  readonly #doc: PDFKit.PDFDocument;
  readonly #bytes: Promise<Buffer>;
  readonly #used = new Set<FontName>();
  readonly #widths = new Map<string, number>();
  #y = MARGIN;
  #size = SIZE.text;
  /** Drawn again at the top of a page on which a table goes on. */
  #heads: readonly ReportColumn[] | undefined;

  constructor({ title, landscape }: Report) {
    this.#doc = new PDFDocument({
      size: 'A4',
      layout: landscape ? 'landscape' : 'portrait',
      margin: 0,
      bufferPages: true,
      // None of the built-in ones: they have Latin letters alone.
      font: '',
      lang: 'en',
      info: { Title: title, Creator: 'Lifeboat', Producer: 'Lifeboat' },
    });
    const chunks: Buffer[] = [];
    this.#bytes = new Promise((resolve, reject) => {
      this.#doc.on('data', (chunk: Buffer) => chunks.push(chunk));
      this.#doc.on('end', () => resolve(Buffer.concat(chunks)));
      this.#doc.on('error', reject);
    });
  }

  get #width(): number {
    return this.#doc.page.width - 2 * MARGIN;
  }

  get #bottom(): number {
    return this.#doc.page.height - MARGIN - FOOT;
  }

  /** Sets the font; the document knows those that are used. */
  #use(font: FontName, size: number): PDFKit.PDFDocument {
    if (!this.#used.has(font)) {
      this.#used.add(font);
      this.#doc.registerFont(font, fontOf(font) as never);
    }
    return this.#doc.font(font).fontSize(size);
  }

  #measure = (font: FontName, text: string): number => {
    const key = `${font} ${this.#size} ${text}`;
    const known = this.#widths.get(key);
    if (known !== undefined) return known;
    const width = this.#use(font, this.#size).widthOfString(text);
    if (this.#widths.size > 50_000) this.#widths.clear();
    this.#widths.set(key, width);
    return width;
  };

  #lines(text: string, width: number, size: number, bold: boolean): TextLine[] {
    this.#size = size;
    return textLines(text, width, bold, this.#measure);
  }

  #drawLine(line: TextLine, x: number, y: number, size: number, colour: string): void {
    this.#size = size;
    let at = x;
    for (const { font, text } of line) {
      this.#use(font, size).fillColor(colour).text(text, at, y, { lineBreak: false, baseline: 'alphabetic' });
      at += this.#measure(font, text);
    }
  }

  #lineWidth(line: TextLine): number {
    return line.reduce((sum, { font, text }) => sum + this.#measure(font, text), 0);
  }

  #turn(): void {
    this.#doc.addPage();
    this.#y = MARGIN;
    if (this.#heads) this.#drawHead(this.#heads);
  }

  /** A new page unless so many points are left on this one. */
  keep(height: number): void {
    this.#heads = undefined;
    if (this.#y + height > this.#bottom) this.#turn();
  }

  space(height: number): void {
    this.#heads = undefined;
    this.#y += height;
  }

  text(text: string, size: number, bold: boolean, colour = INK): void {
    this.#heads = undefined;
    const height = size * LEADING;
    for (const line of this.#lines(text, this.#width, size, bold)) {
      if (this.#y + height > this.#bottom) this.#turn();
      this.#drawLine(line, MARGIN, this.#y + size, size, colour);
      this.#y += height;
    }
  }

  head(columns: readonly ReportColumn[]): void {
    this.#heads = columns;
    this.#drawHead(columns);
  }

  #drawHead(columns: readonly ReportColumn[]): void {
    const heads = columns.map(({ head }) => head);
    this.#cells(columns, heads, SIZE.table, true);
    this.#rule(INK);
  }

  /** `facts`: without a rule beneath. */
  row(columns: readonly ReportColumn[], cells: readonly string[], size: number, kind: 'row' | 'facts'): void {
    if (kind === 'facts') this.#heads = undefined;
    this.#cells(columns, cells, size, false);
    if (kind === 'row') this.#rule(RULE);
  }

  #rule(colour: string): void {
    this.#doc
      .moveTo(MARGIN, this.#y)
      .lineTo(MARGIN + this.#width, this.#y)
      .lineWidth(0.5)
      .strokeColor(colour)
      .stroke();
  }

  #cells(columns: readonly ReportColumn[], cells: readonly string[], size: number, bold: boolean): void {
    const shares = columns.reduce((sum, { share }) => sum + (share ?? 1), 0);
    const height = size * LEADING;
    let x = MARGIN;
    const placed = columns.map(({ share, align }, index) => {
      const width = ((share ?? 1) / shares) * this.#width;
      const lines = this.#lines(cells[index] ?? '', width - 2 * CELL_PADDING, size, bold);
      const cell = { x: x + CELL_PADDING, width: width - 2 * CELL_PADDING, align, lines };
      x += width;
      return cell;
    });
    const count = Math.max(...placed.map(({ lines }) => lines.length));
    const whole = count * height + 2 * CELL_PADDING;
    const fitsAPage = whole <= this.#bottom - MARGIN - 40;
    if (!bold && fitsAPage && this.#y + whole > this.#bottom) this.#turn();
    this.#y += CELL_PADDING;
    for (let n = 0; n < count; n++) {
      if (!bold && this.#y + height > this.#bottom) this.#turn();
      for (const { x: left, width, align, lines } of placed) {
        const line = lines[n];
        if (!line) continue;
        this.#size = size;
        const indent = align === 'right' ? width - this.#lineWidth(line) : 0;
        this.#drawLine(line, left + indent, this.#y + size, size, INK);
      }
      this.#y += height;
    }
    this.#y += CELL_PADDING;
  }

  signature(line: string): void {
    this.#y += 22;
    const half = this.#width / 2;
    this.#doc
      .moveTo(MARGIN, this.#y)
      .lineTo(MARGIN + half, this.#y)
      .lineWidth(0.5)
      .strokeColor(INK)
      .stroke();
    this.#y += 2;
    this.text(line, SIZE.table, false, SOFT);
  }

  finish(footer: string): Promise<Buffer> {
    const { start, count } = this.#doc.bufferedPageRange();
    for (let n = 0; n < count; n++) {
      this.#doc.switchToPage(start + n);
      const y = this.#doc.page.height - MARGIN;
      this.#size = SIZE.foot;
      const numbered = this.#lines(`Page ${n + 1} of ${count}`, 100, SIZE.foot, false)[0]!;
      const [left] = this.#lines(footer, this.#width - 110, SIZE.foot, false);
      if (left) this.#drawLine(left, MARGIN, y, SIZE.foot, SOFT);
      this.#drawLine(numbered, MARGIN + this.#width - this.#lineWidth(numbered), y, SIZE.foot, SOFT);
    }
    this.#doc.end();
    return this.#bytes;
  }
}
