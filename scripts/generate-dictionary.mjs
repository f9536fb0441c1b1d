// Writes storage/format/dictionary-data.ts (tag -> VR of PS3.6) from the dictionary of the package dcmjs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as source from 'dcmjs/dictionary';

const dictionary = source.default ?? source.dictionary;
const tagsByVr = new Map();
for (const { tag, vr } of Object.values(dictionary)) {
  const plain = /^\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)$/.exec(tag ?? '');
  if (!plain || !/^[A-Za-z]{2}$/.test(vr) || vr === 'na') continue;
  const number = Number.parseInt(plain[1] + plain[2], 16);
  // Overlays and curves repeat over groups 60xx and 50xx (PS3.5 7.6); dictionary.ts folds these to 6000 and 5000.
  const group = number >>> 16;
  if ((group & 0xff00) === 0x6000 && group !== 0x6000) continue;
  if (group & 1) continue;
  tagsByVr.set(vr, [...(tagsByVr.get(vr) ?? []), number]);
}
for (const entry of Object.values(dictionary)) {
  const folded = /^\((60|50)(?:xx|00-[0-9A-F]{2}FF),([0-9A-F]{4})\)$/i.exec(entry.tag ?? '');
  if (folded) tagsByVr.get(entry.vr).push(Number.parseInt(`${folded[1]}00${folded[2]}`, 16));
}
const lines = [...tagsByVr].sort().map(([vr, tags]) => {
  const sorted = [...new Set(tags)].sort((a, b) => a - b);
  return `  ${vr}: '${sorted.map((tag, i) => (tag - (sorted[i - 1] ?? 0)).toString(36)).join(' ')}',`;
});
writeFileSync(
  join(import.meta.dirname, '../storage/format/dictionary-data.ts'),
  `// Written by scripts/generate-dictionary.mjs; do not edit.

/**
 * Tags of PS3.6 by VR: ascending, each as its distance from the one before, base 36. Lower-case names stand for a choice:
 * xs US or SS, ox OB or OW, px pixel data, lt US or OW (lookup tables), up an offset (UL).
 */
export const TAGS_BY_VR: Record<string, string> = {
${lines.join('\n')}
};
`,
);
