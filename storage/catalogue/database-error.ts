import { LifeboatError } from '../../contract/errors.ts';

/** undefined_table, undefined_column, invalid_schema_name: the database was made anew, or another version's tables are in it. */
const GONE = new Set(['42P01', '42703', '3F000']);

/** What IT can do something about, by SQLSTATE, system error or SQLite result code; never a text with values of a row in it. */
const REASONS: Record<string, string> = {
  '3D000': 'the database does not exist; create it and it is filled again',
  '28000': 'it refuses the user',
  '28P01': 'it refuses the password',
  '42501': 'its user may not do what is needed',
  '53100': 'its disk is full',
  '53300': 'it has too many connections already',
  '57014': 'a statement took too long',
  '57P01': 'it is being stopped',
  '57P02': 'it crashed',
  '57P03': 'it is starting',
  '25006': 'it is read-only',
  ECONNREFUSED: 'nothing listens at its address',
  ECONNRESET: 'the connection broke',
  EHOSTUNREACH: 'its host cannot be reached',
  ENOTFOUND: 'the name of its host is not known',
  ETIMEDOUT: 'it takes connections but does not answer',
  'sqlite 8': 'its file is read-only',
  'sqlite 10': 'its disk gives errors',
  'sqlite 11': 'its file is damaged',
  'sqlite 13': 'its disk is full',
};

/** Any failure of a database as CATALOGUE_UNAVAILABLE with the reason in words, where there is a known one. */
export function databaseAway(error: unknown): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const { code, errcode, message = '' } = error as { code?: string; errcode?: number; message?: string };
  let reason = REASONS[errcode === undefined ? (code ?? '') : `sqlite ${errcode & 0xff}`];
  if (code !== undefined && GONE.has(code))
    reason = 'its tables are gone; they are made again and filled from the store';
  if (!reason && /Connection terminated|Client has encountered a connection error/i.test(message))
    reason = 'the connection broke';
  if (!reason && /timeout exceeded when trying to connect|timeout expired/i.test(message))
    reason = 'it takes no connection';
  return new LifeboatError('CATALOGUE_UNAVAILABLE', reason && `: ${reason}.`, { cause: error });
}

/** True when the database answers and what the catalogue made in it is not there. */
export function tablesAreGone(error: unknown): boolean {
  const cause = error instanceof LifeboatError ? error.cause : error;
  return GONE.has((cause as { code?: string } | undefined)?.code ?? '');
}
