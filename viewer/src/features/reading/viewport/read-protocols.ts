import { z } from 'zod';
import type { HangingProtocol } from './hanging.ts';
import { layouts } from './layouts.ts';
import { linkNames } from './linking.ts';

const text = z.string().min(1);
const seriesWish = z.strictObject({
  modality: text.optional(),
  description: text.optional(),
  bodyPart: text.optional(),
  laterality: z.enum(['R', 'L', 'B']).optional(),
  view: text.optional(),
  plane: z.enum(['axial', 'coronal', 'sagittal']).optional(),
});
const paneRule = z.strictObject({
  study: z.enum(['current', 'prior']),
  like: z.int().min(1).max(16).optional(),
  series: z.array(seriesWish).optional(),
});
const table = z.array(
  z.strictObject({
    name: text,
    modality: z.array(text).optional(),
    bodyPart: text.optional(),
    prior: z.boolean().optional(),
    layout: z.enum(layouts as [(typeof layouts)[number], ...(typeof layouts)[number][]]),
    panes: z.array(paneRule).max(16).optional(),
    links: z.array(z.enum(linkNames as ['scroll', 'zoom', 'window'])).optional(),
  }),
);

/** Reads a table of hanging protocols (JSON) or says what is wrong with it. */
export function readProtocols(json: string): { protocols: HangingProtocol[] } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return { problem: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const read = table.safeParse(value);
  if (read.success) return { protocols: read.data };
  const [issue] = read.error.issues;
  return { problem: `${issue?.path.map(String).join(' › ') || 'The table'}: ${issue?.message ?? 'is not understood'}` };
}
