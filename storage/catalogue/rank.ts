import { createHash } from 'node:crypto';

/**
 * A study's rank is one integer below 2^53 that sorts studies by study date and time: days since 1858-11-17 (Modified
 * Julian Date), seconds of the day, 19 bits from the study UID. Posting lists keyed by rank answer "newest first" and
 * date ranges without sorting. Studies without a date rank lowest.
 */
const SLOTS = 2 ** 19;
const SECONDS = 86_400;
const MAX_DAY = 131_071;

/** Modified Julian Date of a DICOM date YYYYMMDD, clamped to 1..131071; 0 when it is no date. */
export function dayNumber(date: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(date);
  if (!match) return 0;
  const ms = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return Math.min(MAX_DAY, Math.max(1, Math.floor(ms / 86_400_000) + 40_587));
}

function secondOfDay(time: string): number {
  const match = /^(\d{2})(\d{2})?(\d{2})?/.exec(time);
  if (!match) return 0;
  return Math.min(SECONDS - 1, Number(match[1]) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0));
}

/** First rank of the second in which the study took place. */
export function rankBase(date: string, time: string): number {
  const day = dayNumber(date);
  return (day * SECONDS + (day === 0 ? 0 : secondOfDay(time))) * SLOTS;
}

/** Ranks that this study may take, the preferred one first: others only when another study of the same second has it. */
export function* rankCandidates(date: string, time: string, studyUID: string): Generator<number> {
  const base = rankBase(date, time);
  const slot = createHash('sha256').update(studyUID).digest().readUInt32BE(0) % SLOTS;
  for (let i = 0; i < SLOTS; i++) yield base + ((slot + i) % SLOTS);
}

/** Whether a rank belongs to this date and time. */
export function rankFits(rank: number, date: string, time: string): boolean {
  return Math.floor(rank / SLOTS) * SLOTS === rankBase(date, time);
}

/** Lowest rank of a day YYYYMMDD. */
export function rankOfDayStart(date: string): number {
  return dayNumber(date) * SECONDS * SLOTS;
}

/** Highest rank of a day YYYYMMDD. */
export function rankOfDayEnd(date: string): number {
  return (dayNumber(date) + 1) * SECONDS * SLOTS - 1;
}
