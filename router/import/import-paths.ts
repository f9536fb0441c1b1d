import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { asLifeboatError, type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { ReceivedInstance, Receiver } from '../../storage/receive-types.ts';
import { Channel } from './channel.ts';
import { MAX_DICOMDIR_BYTES, referencedFiles } from './dicomdir.ts';
import { importFile, type Recognised } from './import-file.ts';
import { ImportState } from './import-state.ts';
import type { ImportOptions, ImportOutcome, ImportProgress } from './import-types.ts';
import { type FoundFile, findReferenced, walk } from './walk.ts';
import { zipMembers } from './zip.ts';

/** After these nothing else can be kept either: the import stops. */
const FATAL: ReadonlySet<ErrorCode> = new Set(['SPOOL_FULL', 'SPOOL_UNWRITABLE']);

type Result = Pick<ImportProgress, 'path' | 'outcome' | 'bytes'> & Partial<ImportProgress>;

/**
 * Imports files, folders (recursively, any extension), ZIP files and DICOMDIRs (the files they refer to). Yields what became
 * of each file; throws only when nothing more can be kept (SPOOL_FULL, SPOOL_UNWRITABLE).
 */
export async function* importPaths(
  paths: string[],
  receiver: Receiver,
  options: ImportOptions = {},
): AsyncGenerator<ImportProgress> {
  const run = new ImportRun(receiver, options, await ImportState.open(options.stateFile));
  void run.start(paths);
  try {
    yield* run.results;
  } finally {
    run.stop();
  }
}

class ImportRun {
  readonly results = new Channel<ImportProgress>();
  readonly #receiver: Receiver;
  readonly #options: ImportOptions;
  readonly #state: ImportState;
  readonly #source: ReceiveSource;
  readonly #seen = new Set<string>();
  readonly #contents = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #found = 0;
  #done = 0;
  #searching = true;
  #stopped = false;

  constructor(receiver: Receiver, options: ImportOptions, state: ImportState) {
    this.#receiver = receiver;
    this.#options = options;
    this.#state = state;
    this.#source = { via: 'import', ...(options.user === undefined ? {} : { user: options.user }) };
  }

  async start(paths: string[]): Promise<void> {
    try {
      for (const path of paths) await this.#importPath(path);
      this.#searching = false;
      await Promise.all(this.#running);
      this.results.end();
    } catch (error) {
      this.#stopped = true;
      await Promise.allSettled(this.#running);
      this.results.fail(asLifeboatError(error));
    }
  }

  /** The consumer went away. */
  stop(): void {
    this.#stopped = true;
  }

  async #importPath(path: string): Promise<void> {
    const named = await stat(path).catch(() => null);
    for await (const found of walk(path, this.#seen)) {
      if (this.#stopped) return;
      this.#found++;
      if ('problem' in found) this.#report({ path: found.path, outcome: 'missing', reason: found.problem, bytes: 0 });
      else await this.#schedule(() => this.#importFound(found, named?.isFile() === true));
    }
  }

  /** Starts work when fewer than `concurrency` pieces run. */
  async #schedule(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= (this.#options.concurrency ?? 8)) await Promise.race(this.#running);
    if (this.#stopped) return;
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#stopped = true;
        this.results.fail(asLifeboatError(error));
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** @param alone named itself, not found in a folder: a DICOMDIR then brings the files it refers to */
  async #importFound(file: FoundFile, alone: boolean): Promise<void> {
    const key = `${await realpath(file.path)}|${file.size}|${file.mtimeMs}`;
    const result = await this.#importOne(file.path, file.size, key, () => Promise.resolve(createReadStream(file.path)));
    if (result === 'zip') await this.#importZip(file, key);
    if (result === 'dicomdir') await this.#readDicomdir(file, alone);
  }

  async #importOne(
    path: string,
    bytes: number,
    key: string,
    open: () => Promise<Readable>,
  ): Promise<Recognised | undefined> {
    if (!this.#options.again && this.#state.has(key)) {
      this.#report({ path, outcome: 'skipped', bytes });
      return undefined;
    }
    try {
      const received = await importFile(this.#receiver, this.#source, await open());
      if (received === 'zip' || received === 'dicomdir') return received;
      const outcome: ImportOutcome = (await this.#wasKept(received)) ? 'already' : 'kept';
      await this.#state.add(key);
      this.#report({ path, outcome, received, bytes });
    } catch (thrown) {
      this.#refuse(path, bytes, thrown);
    }
    return undefined;
  }

  async #wasKept(received: ReceivedInstance): Promise<boolean> {
    const content = `${received.sopInstanceUID} ${received.dataSetSha256}`;
    if (this.#contents.has(content)) return true;
    this.#contents.add(content);
    return (await this.#options.wasKept?.(received)) ?? false;
  }

  #refuse(path: string, bytes: number, thrown: unknown): void {
    const error = readError(thrown);
    if (FATAL.has(error.code)) throw error;
    const outcome = error.code === 'NOT_DICOM' ? 'not-dicom' : 'refused';
    this.#report({ path, outcome, code: error.code, reason: error.message, bytes });
  }

  #report(result: Result): void {
    this.#done++;
    this.results.push({ ...result, done: this.#done, found: this.#found, searching: this.#searching });
  }

  async #importZip(zip: FoundFile, key: string): Promise<void> {
    // The ZIP itself is no result; its members are.
    this.#found--;
    const names = new Set<string>();
    const dicomdirs: { name: string; bytes: Buffer }[] = [];
    try {
      for await (const member of zipMembers(zip.path)) {
        if (this.#stopped) return;
        this.#found++;
        names.add(plainName(member.name));
        const path = `${zip.path}!${member.name}`;
        if (member.problem) {
          this.#report({ path, outcome: 'refused', code: 'BAD_REQUEST', reason: member.problem, bytes: member.size });
          continue;
        }
        const memberKey = `${key}!${member.name}|${member.size}|${member.crc32}`;
        const result = await this.#importOne(path, member.size, memberKey, () => member.read());
        if (result === 'zip') {
          const reason = 'A ZIP file within a ZIP file is not opened; unpack it first.';
          this.#report({ path, outcome: 'nested-zip', reason, bytes: member.size });
        } else if (result === 'dicomdir') {
          dicomdirs.push({ name: member.name, bytes: await readAll(await member.read()) });
          this.#report({ path, outcome: 'dicomdir', bytes: member.size });
        }
      }
    } catch (thrown) {
      const error = readError(thrown);
      if (FATAL.has(error.code)) throw error;
      this.#found++;
      this.#report({ path: zip.path, outcome: 'refused', code: error.code, reason: error.message, bytes: zip.size });
    }
    for (const { name, bytes } of dicomdirs) this.#checkZipReferences(zip.path, name, bytes, names);
  }

  #checkZipReferences(zipPath: string, name: string, bytes: Buffer, names: Set<string>): void {
    const folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '';
    this.#withReferences(`${zipPath}!${name}`, bytes, (paths) => {
      for (const parts of paths) {
        const wanted = folder + parts.join('/');
        if (!names.has(plainName(wanted))) this.#missing(`${zipPath}!${wanted}`, `${zipPath}!${name}`);
      }
    });
  }

  async #readDicomdir(file: FoundFile, alone: boolean): Promise<void> {
    if (file.size > MAX_DICOMDIR_BYTES) {
      this.#refuse(
        file.path,
        file.size,
        new LifeboatError('PAYLOAD_TOO_LARGE', 'The DICOMDIR is too large to be one.'),
      );
      return;
    }
    this.#report({ path: file.path, outcome: 'dicomdir', bytes: file.size });
    const found: string[] = [];
    const folder = dirname(file.path);
    let references: string[][] = [];
    this.#withReferences(file.path, await readFile(file.path), (paths) => {
      references = paths;
    });
    for (const parts of references) {
      const path = await findReferenced(folder, parts);
      if (path) found.push(path);
      else this.#missing(join(folder, ...parts), file.path);
    }
    if (!alone) return;
    for (const path of found) {
      for await (const each of walk(path, this.#seen)) {
        if (this.#stopped) return;
        this.#found++;
        if ('problem' in each) this.#report({ path: each.path, outcome: 'missing', reason: each.problem, bytes: 0 });
        else await this.#importFound(each, false);
      }
    }
  }

  #withReferences(path: string, bytes: Buffer, use: (paths: string[][]) => void): void {
    try {
      const { paths, outside } = referencedFiles(bytes);
      use(paths);
      if (outside > 0) throw new LifeboatError('BAD_REQUEST', `${outside} of its references point out of its folder.`);
    } catch (thrown) {
      const error = readError(thrown);
      this.#found++;
      this.#report({ path, outcome: 'refused', code: error.code, reason: error.message, bytes: bytes.length });
    }
  }

  #missing(path: string, dicomdir: string): void {
    this.#found++;
    this.#report({ path, outcome: 'missing', reason: `${dicomdir} refers to it, but it is not there.`, bytes: 0 });
  }
}

/** Errors of reading the file itself (permission, a scratched disc) in words; others as they are. */
function readError(thrown: unknown): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return new LifeboatError('BAD_REQUEST', `The file cannot be read: ${message}.`, { cause: thrown });
  }
  if (thrown instanceof Error) {
    return new LifeboatError('BAD_REQUEST', `The file is damaged: ${thrown.message}.`, { cause: thrown });
  }
  return asLifeboatError(thrown);
}

const plainName = (name: string) => name.toUpperCase().replace(/\.?(;\d+)?$/, '');

async function readAll(input: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_DICOMDIR_BYTES)
      throw new LifeboatError('PAYLOAD_TOO_LARGE', 'The DICOMDIR is too large to be one.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
