import { createRequire } from 'node:module';
import { z } from 'zod';

const entry = z.object({ tag: z.string(), vr: z.string(), name: z.string() });
const dictionary = z.object({
  data: z.object({
    DicomMetaDictionary: z.custom<{ nameMap: Record<string, unknown> }>((value) => typeof value === 'function'),
  }),
});

interface Attribute {
  /** 8 upper-case hex digits. */
  tag: string;
  vr: string;
  keyword: string;
}

let attributes: { byTag: Map<string, Attribute>; byKeyword: Map<string, Attribute> } | undefined;

/** PS3.6 chapter 6, read once from the dictionary that comes with dcmjs. */
function load(): NonNullable<typeof attributes> {
  if (attributes) return attributes;
  const { data } = dictionary.parse(createRequire(import.meta.url)('dcmjs'));
  const byTag = new Map<string, Attribute>();
  const byKeyword = new Map<string, Attribute>();
  for (const row of Object.values(data.DicomMetaDictionary.nameMap)) {
    const parsed = entry.safeParse(row);
    if (!parsed.success) continue;
    const tag = parsed.data.tag.replace(/[(),]/g, '').toUpperCase();
    if (!/^[0-9A-F]{8}$/.test(tag)) continue;
    const keyword = parsed.data.name.replace(/^RETIRED_/, '');
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(keyword)) continue;
    const attribute = { tag, vr: parsed.data.vr, keyword };
    byTag.set(tag, attribute);
    if (!byKeyword.has(keyword)) byKeyword.set(keyword, attribute);
  }
  attributes = { byTag, byKeyword };
  return attributes;
}

/** Keyword of a tag (8 hex digits), undefined for private and unknown ones. */
export function keywordOf(tag: string): string | undefined {
  return load().byTag.get(tag.toUpperCase())?.keyword;
}

/** Value representation of a tag as the dictionary has it. */
export function vrOf(tag: string): string | undefined {
  return load().byTag.get(tag.toUpperCase())?.vr;
}

/** An attribute ID as PS3.18 8.3.4.1 writes it, `{keyword}` or `{group}{element}` in hex, to 8 upper-case hex digits; null when it is neither. */
export function tagOf(attributeId: string): string | null {
  if (/^[0-9A-Fa-f]{8}$/.test(attributeId)) return attributeId.toUpperCase();
  return load().byKeyword.get(attributeId)?.tag ?? null;
}
