import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { create, type Font } from 'fontkit';
import { unpackWoff } from './woff.ts';

const { resolve } = createRequire(import.meta.url);

/** Names under which a document knows the fonts. */
export type FontName = 'plain' | 'bold' | 'anything';

/**
 * DejaVu Sans has Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian and more; Unifont has a picture of nearly every
 * character there is, Chinese, Japanese and Korean ones among them, plain as it looks.
 */
const FILES: Record<FontName, string> = {
  plain: 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
  bold: 'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf',
  anything: '@fontsource/unifontex/files/unifontex-latin-400-normal.woff',
};
const opened = new Map<FontName, Font>();

/** Read once, when it is needed first. */
export function fontOf(name: FontName): Font {
  let font = opened.get(name);
  if (!font) {
    const bytes = readFileSync(resolve(FILES[name]));
    font = create(bytes.toString('latin1', 0, 4) === 'wOFF' ? unpackWoff(bytes) : bytes) as Font;
    opened.set(name, font);
  }
  return font;
}

const has = (name: FontName, codePoint: number): boolean => fontOf(name).hasGlyphForCodePoint(codePoint);

export interface FontRun {
  font: FontName;
  text: string;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Formatting and variation: no picture and no width of their own; they go without a trace, but for what joins letters. */
const isInvisible = (letter: string): boolean =>
  /^(?:\p{Cf}|\p{Variation_Selector})$/u.test(letter) && letter !== '\u200c' && letter !== '\u200d';

/**
 * Text by the font that can draw it. What no font has comes out as its code, `[U+1F9A2]`; control characters as `[U+0007]`:
 * nothing is dropped that somebody might miss.
 */
export function fontRuns(text: string, bold = false): FontRun[] {
  const first: FontName = bold ? 'bold' : 'plain';
  const runs: FontRun[] = [];
  const add = (font: FontName, piece: string) => {
    const last = runs.at(-1);
    if (last?.font === font) last.text += piece;
    else runs.push({ font, text: piece });
  };
  for (const { segment } of graphemes.segment(text)) {
    const visible = [...segment].filter((letter) => !isInvisible(letter));
    const fits = (font: FontName) => visible.every((letter) => !isControl(letter) && has(font, letter.codePointAt(0)!));
    const font = [first, 'anything' as const].find(fits);
    if (font) add(font, visible.join(''));
    else
      for (const letter of visible) {
        const one = [first, 'anything' as const].find(
          (name) => !isControl(letter) && has(name, letter.codePointAt(0)!),
        );
        if (one) add(one, letter);
        else add(first, `[U+${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`);
      }
  }
  return runs;
}

const isControl = (letter: string): boolean => /^\p{Cc}$/u.test(letter);
