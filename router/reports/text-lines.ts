import { type FontName, type FontRun, fontRuns } from './fonts.ts';

/** A line that fits, in the order in which it is drawn from left to right. */
export type TextLine = FontRun[];

/** Width of text in a font, points. */
export type Measure = (font: FontName, text: string) => number;

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

interface Word {
  text: string;
  runs: FontRun[];
  width: number;
}

/** Breaks text into lines of at most `width` points: at spaces, and within a word that is longer than a line. */
export function textLines(text: string, width: number, bold: boolean, measure: Measure): TextLine[] {
  const space = measure(bold ? 'bold' : 'plain', ' ');
  const word = (piece: string): Word => {
    const runs = fontRuns(piece, bold);
    return { text: piece, runs, width: runs.reduce((sum, run) => sum + measure(run.font, run.text), 0) };
  };
  const lines: TextLine[] = [];
  for (const paragraph of text.split(/\r\n|[\r\n]/)) {
    let line: Word[] = [];
    let used = 0;
    const finish = () => {
      lines.push(drawnOrder(line, bold));
      line = [];
      used = 0;
    };
    for (const piece of paragraph.split(/[ \t]+/)) {
      for (const part of fitting(word(piece), width, word)) {
        const more = part.width + (line.length > 0 ? space : 0);
        if (line.length > 0 && used + more > width) finish();
        used += line.length > 0 ? more : part.width;
        line.push(part);
      }
    }
    finish();
  }
  return lines;
}

/** A word, or the pieces of one that is wider than a line. */
function* fitting(whole: Word, width: number, word: (piece: string) => Word): Generator<Word> {
  if (whole.width <= width) return yield whole;
  let piece = '';
  for (const letter of whole.text) {
    if (piece !== '' && word(piece + letter).width > width) {
      yield word(piece);
      piece = '';
    }
    piece += letter;
  }
  yield word(piece);
}

/** Words of scripts written from right to left stand so beside each other; the letters within them are the font engine's. */
function drawnOrder(words: readonly Word[], bold: boolean): TextLine {
  const order: Word[] = [];
  let turned: Word[] = [];
  for (const word of words) {
    if (RIGHT_TO_LEFT.test(word.text)) {
      turned.unshift(word);
      continue;
    }
    order.push(...turned, word);
    turned = [];
  }
  order.push(...turned);
  const blank: FontRun = { font: bold ? 'bold' : 'plain', text: ' ' };
  return order.flatMap(({ runs }, index) => (index === 0 ? runs : [blank, ...runs]));
}
