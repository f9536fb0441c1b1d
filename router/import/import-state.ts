import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What was imported, by path, size and modification time; one JSON line each, appended when the archive has it safely. */
export class ImportState {
  readonly #file: string | undefined;
  readonly #done: Set<string>;

  private constructor(file: string | undefined, done: Set<string>) {
    this.#file = file;
    this.#done = done;
  }

  static async open(file: string | undefined): Promise<ImportState> {
    if (file === undefined) return new ImportState(undefined, new Set());
    await mkdir(dirname(file), { recursive: true });
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    // A line cut off by a crash only means that its file is imported again; it must not swallow the next one.
    const lines = text.split('\n');
    if (lines.pop() !== '') await appendFile(file, '\n');
    return new ImportState(file, new Set(lines.flatMap(parseLine)));
  }

  has(key: string): boolean {
    return this.#done.has(key);
  }

  async add(key: string): Promise<void> {
    if (this.#done.has(key)) return;
    this.#done.add(key);
    if (this.#file !== undefined) await appendFile(this.#file, `${JSON.stringify(key)}\n`);
  }
}

function parseLine(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'string' ? [value] : [];
  } catch {
    return [];
  }
}
