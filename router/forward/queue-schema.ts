import { renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const TABLES = `
  CREATE TABLE IF NOT EXISTS forwards (
    id INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    data_set_sha256 TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL,
    instance TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL,
    settled_at TEXT,
    status INTEGER,
    message TEXT NOT NULL DEFAULT '',
    UNIQUE (destination, sop_instance_uid, data_set_sha256)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS paused (destination TEXT PRIMARY KEY) STRICT;
`;

/** Priority and changes of each instance; counts that are kept instead of counted; what is left of rows long since sent. */
const VERSION_1 = `
  ALTER TABLE forwards ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE forwards ADD COLUMN changes TEXT;
  DROP INDEX IF EXISTS forwards_state;
  DROP INDEX IF EXISTS forwards_study;
  CREATE INDEX forwards_due ON forwards(destination, priority, due_ms, id) WHERE state = 'waiting';
  CREATE INDEX forwards_oldest ON forwards(destination, received_at) WHERE state IN ('waiting', 'person');
  CREATE INDEX forwards_problems ON forwards(destination, id)
    WHERE state = 'person' OR (state = 'waiting' AND attempts > 0);
  CREATE INDEX forwards_settled ON forwards(settled_at) WHERE state = 'sent';
  CREATE INDEX forwards_study ON forwards(study_instance_uid, destination);
  CREATE TABLE tallies (
    destination TEXT NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (destination, state)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO tallies SELECT destination, state, count(*) FROM forwards GROUP BY destination, state;
  CREATE TRIGGER forwards_added AFTER INSERT ON forwards BEGIN
    INSERT INTO tallies VALUES (new.destination, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  END;
  CREATE TRIGGER forwards_gone AFTER DELETE ON forwards BEGIN
    UPDATE tallies SET n = n - 1 WHERE destination = old.destination AND state = old.state;
  END;
  CREATE TRIGGER forwards_moved AFTER UPDATE OF state ON forwards WHEN old.state <> new.state BEGIN
    UPDATE tallies SET n = n - 1 WHERE destination = old.destination AND state = old.state;
    INSERT INTO tallies VALUES (new.destination, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  END;
  CREATE TABLE sent_studies (
    destination TEXT NOT NULL, study_instance_uid TEXT NOT NULL, sent INTEGER NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL,
    PRIMARY KEY (study_instance_uid, destination)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED = new Set([11, 26]);

/**
 * Opens LIFEBOAT_DATA/forward.sqlite, brings it up to date, and makes it when it is missing. A file that is no database any
 * more is set aside; what it held is found again from the archive.
 */
export function openQueueFile(file: string): { db: DatabaseSync; setAside?: string } {
  try {
    return { db: prepared(file) };
  } catch (error) {
    if (!DAMAGED.has((error as { errcode?: number }).errcode ?? 0)) throw error;
    const setAside = `${file}.damaged-${Date.now()}`;
    for (const suffix of ['', '-wal', '-shm']) {
      try {
        renameSync(`${file}${suffix}`, `${setAside}${suffix}`);
      } catch (missing) {
        if ((missing as NodeJS.ErrnoException).code !== 'ENOENT') throw missing;
      }
    }
    return { db: prepared(file), setAside };
  }
}

function prepared(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5000 });
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;');
    db.exec('BEGIN IMMEDIATE');
    const hadRows = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'forwards'`).get() !== undefined;
    db.exec(TABLES);
    const version = Number((db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version);
    if (version < 1) {
      db.exec(VERSION_1);
      // A queue that was there before this fact was kept is complete.
      if (hadRows) db.exec(`INSERT INTO facts VALUES ('complete', '1')`);
      db.exec('PRAGMA user_version = 1');
    }
    db.exec('COMMIT');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
