/** DA (PS3.5 6.2) `YYYYMMDD` as `YYYY-MM-DD`; anything else as it came. */
export function formatDate(value: string | undefined | null): string {
  if (!value) return '';
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(value.trim());
  return match ? `${match[1]}-${match[2]}-${match[3]}` : value;
}

/** TM (PS3.5 6.2) `HHMMSS.FFFFFF` as `HH:MM`; anything else as it came. */
export function formatTime(value: string | undefined | null): string {
  if (!value) return '';
  const match = /^(\d{2}):?(\d{2})?/.exec(value.trim());
  return match ? `${match[1]}:${match[2] ?? '00'}` : value;
}

/** DT (PS3.5 6.2) `YYYYMMDDHHMMSS.FFFFFF` as `YYYY-MM-DD HH:MM`; anything else as it came. */
export function formatDateTime(value: string | undefined | null): string {
  if (!value) return '';
  const match = /^(\d{8})(\d{2,})?/.exec(value.trim());
  if (!match) return value;
  return [formatDate(match[1]), formatTime(match[2])].filter(Boolean).join(' ');
}

/** ISO time as local `YYYY-MM-DD HH:MM`. */
export function formatInstant(iso: string | undefined | null): string {
  if (!iso) return '';
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Local `HH:MM:SS` of a moment of today, with the date in front when it was another day. @param at ms since 1970 */
export function formatClock(at: number, now = Date.now()): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const day = formatInstant(date.toISOString()).slice(0, 10);
  return day === formatInstant(new Date(now).toISOString()).slice(0, 10) ? time : `${day} ${time}`;
}

/** How long ago, in one short unit: `just now`, `4 min ago`, `3 h ago`, `2 days ago`. */
export function formatAgo(iso: string | undefined | null, now = Date.now()): string {
  if (!iso) return '';
  const seconds = Math.max(0, Math.round((now - new Date(iso).getTime()) / 1000));
  if (seconds < 10) return 'just now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** Bytes in binary units with three significant digits: `512 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(value >= 10 ? 1 : 2)} ${units[unit]}`;
}

/** A count with thin thousands separators: `12,345`. */
export function formatCount(n: number): string {
  return n.toLocaleString('en-GB');
}

/** Characters that turn the direction of writing round by themselves: a name with them would read as another one. */
const directionMarks = /[\u202a-\u202e\u2066-\u2069]/g;

/** PN (PS3.5 6.2) `Family^Given^Middle^Prefix^Suffix` as `Family, Given Middle`. */
export function formatPersonName(value: string | undefined | null): string {
  if (!value) return '';
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = value
    .replace(directionMarks, '')
    .split('=')[0]!
    .split('^');
  const first = [prefix, given, middle].filter(Boolean).join(' ');
  return [[family, first].filter(Boolean).join(', '), suffix].filter(Boolean).join(', ');
}
