/** One line of the table that `npm run bench` prints and writes. */
export interface BenchRow {
  name: string;
  value: number | null;
  unit: string;
  target: string;
  /** null: shown for comparison, without a target of its own. */
  ok: boolean | null;
  note?: string;
}

/** Of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
