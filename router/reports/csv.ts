/**
 * RFC 4180 with a byte order mark, so that spreadsheets read names in any script. A cell that a spreadsheet would take for a
 * formula is made text.
 */
export function writeCsv(heads: readonly string[], rows: Iterable<readonly (string | number)[]>): string {
  const lines = [heads, ...rows].map((row) => row.map(csvCell).join(','));
  return `\ufeff${lines.join('\r\n')}\r\n`;
}

export function csvCell(value: string | number): string {
  const text = String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
