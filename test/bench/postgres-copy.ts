/** Copies a generated SQLite catalogue into an empty PostgreSQL database: for measuring, much faster than applying entries. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IS_SAMPLE } from '../../storage/catalogue/postgres-sample.ts';
import { POSTGRES_INDEXES, POSTGRES_TABLES, SCHEMA_VERSION } from '../../storage/catalogue/schema.ts';
import type { StudyTable } from '../../storage/catalogue/tables.ts';
import { studyTerms } from '../../storage/catalogue/terms.ts';
import { postgresPrograms } from '../support/postgres.ts';

type Row = Record<string, unknown>;

const field = (value: unknown) =>
  value === null
    ? '\\N'
    : String(value).replaceAll('\\', '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n').replace(/\r/g, '\\r');
const line = (values: unknown[]) => `${values.map(field).join('\t')}\n`;

async function psql(url: string, command: string, input?: Iterable<string>): Promise<void> {
  const args = [url, '-q', '-v', 'ON_ERROR_STOP=1', '-c', command];
  const child = spawn(join(postgresPrograms()!, 'psql'), args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  await pipeline(Readable.from(input ?? []), child.stdin);
  const [code] = await ended;
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}

/** Rows as COPY text in pieces of some size. */
function* copyText(rows: Iterable<Row>, toLine: (row: Row) => string): Generator<string> {
  let text = '';
  for (const row of rows) {
    text += toLine(row);
    if (text.length > 1 << 18) {
      yield text;
      text = '';
    }
  }
  yield text;
}

export async function copyToPostgres(file: string, url: string): Promise<void> {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    await psql(url, POSTGRES_TABLES.join(';'));
    await psql(url, `insert into catalogue_meta values ('version', '${SCHEMA_VERSION}'); truncate totals`);
    for (const table of ['study', 'study_detail', 'totals']) {
      const rows = db.prepare(`select * from ${table}`);
      rows.setReadBigInts(true);
      await psql(
        url,
        `copy ${table} from stdin`,
        copyText(rows.iterate() as Iterable<Row>, (row) => line(Object.values(row))),
      );
    }
    const studies = db
      .prepare('select rank, name_words, other_words, modalities, calling_aes, conflicts from study')
      .iterate() as Iterable<Row>;
    const lexemes = (row: Row) =>
      studyTerms(row as unknown as StudyTable)
        .map((term) => `'${term.replaceAll("'", "''")}'`)
        .join(' ');
    await psql(
      url,
      'copy study_postings from stdin',
      copyText(studies, (row) => line([row['rank'], lexemes(row)])),
    );
    await psql(url, `insert into study_sample select rank, terms from study_postings where ${IS_SAMPLE}`);
    for (const index of POSTGRES_INDEXES) await psql(url, index);
    // as autovacuum does it: counts and ordered walks then read indexes alone
    await psql(url, 'vacuum analyze');
  } finally {
    db.close();
  }
}
