/**
 * Value representations of the standard's data elements (PS3.6), for Implicit VR and for elements sent as UN.
 * Runs in the browser too.
 */
import { TAGS_BY_VR } from './dictionary-data.ts';

let vrByTag: Map<number, string> | undefined;

function load(): Map<number, string> {
  const map = new Map<number, string>();
  for (const [vr, distances] of Object.entries(TAGS_BY_VR)) {
    let tag = 0;
    for (const distance of distances.split(' ')) {
      tag += Number.parseInt(distance, 36);
      map.set(tag, vr);
    }
  }
  return map;
}

/**
 * VR of a standard data element, undefined when PS3.6 does not know it. Lower-case answers stand for a choice that the
 * data set decides: `xs` US or SS, `ox` OB or OW, `px` pixel data, `lt` US or OW, `up` UL.
 * @param tag group * 65536 + element
 */
export function dictionaryVr(tag: number): string | undefined {
  vrByTag ??= load();
  const vr = vrByTag.get(tag);
  if (vr !== undefined) return vr;
  const group = tag >>> 16;
  const repeating = group & 0xff00;
  if ((group & 1) === 0 && (repeating === 0x6000 || repeating === 0x5000)) {
    return vrByTag.get((repeating * 0x10000 + (tag & 0xffff)) >>> 0);
  }
  return undefined;
}
