import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';

const AT_ONCE = 100;

/** Images that are here, by Study Instance UID; studies of which nothing is here are absent. */
export async function countsHere(catalogue: Catalogue, uids: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let at = 0; at < uids.length; at += AT_ONCE) {
    const value = uids.slice(at, at + AT_ONCE).join('\\');
    const { rows } = await catalogue.query({
      level: 'study',
      keys: [{ tag: '0020000D', value }],
      limit: AT_ONCE,
      offset: 0,
    });
    for (const row of rows)
      counts.set(String(row['0020000D']?.Value?.[0] ?? ''), Number(row['00201208']?.Value?.[0] ?? 0));
  }
  return counts;
}
