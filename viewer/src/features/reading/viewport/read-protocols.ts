import { type HangingProtocol, hangingProtocols } from '../../../../../contract/preferences.ts';

/** Reads a table of hanging protocols (JSON) or says what is wrong with it. */
export function readProtocols(json: string): { protocols: HangingProtocol[] } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return { problem: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const read = hangingProtocols.safeParse(value);
  if (read.success) return { protocols: read.data };
  const [issue] = read.error.issues;
  return { problem: `${issue?.path.map(String).join(' › ') || 'The table'}: ${issue?.message ?? 'is not understood'}` };
}
