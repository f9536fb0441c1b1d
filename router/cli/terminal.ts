import { asLifeboatError, type ErrorCode } from '../../contract/errors.ts';

/** What the exit codes of `lifeboat` mean. */
export const EXIT = {
  ok: 0,
  /** Done, but something was found or some items failed; what, was printed. */
  findings: 1,
  /** Wrong usage or a wrong setting. */
  usage: 2,
  /** Something needed does not answer: store, catalogue, router, a port in use. */
  unavailable: 3,
  /** Nothing wrong was found, but not everything could be checked. */
  notChecked: 4,
} as const;

export const EXIT_HELP = `
Exit codes:
  0  done
  1  done with findings, or some items failed; each was printed
  2  wrong usage or a wrong setting
  3  something needed does not answer (store, catalogue, router) or a port is in use
  4  nothing wrong was found, but not everything could be checked (verify, drill)`;

const UNAVAILABLE = new Set<ErrorCode>([
  'STORE_UNAVAILABLE',
  'CATALOGUE_UNAVAILABLE',
  'PORT_IN_USE',
  'SPOOL_UNWRITABLE',
  'SPOOL_FULL',
  'PEER_UNREACHABLE',
]);
const USAGE = new Set<ErrorCode>(['CONFIG_INVALID', 'BAD_REQUEST', 'WEAK_PASSWORD']);

/** Prints one sentence and sets the exit code. */
export function fail(thrown: unknown): void {
  const error = asLifeboatError(thrown);
  console.error(error.code === 'INTERNAL' ? `lifeboat: ${describe(error.cause)}` : `lifeboat: ${error.message}`);
  process.exitCode = UNAVAILABLE.has(error.code)
    ? EXIT.unavailable
    : USAGE.has(error.code)
      ? EXIT.usage
      : EXIT.findings;
}

const describe = (cause: unknown) => (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));

/** Runs a command; whatever it throws becomes one sentence and an exit code. */
export function command<Args extends unknown[]>(work: (...args: Args) => Promise<void> | void) {
  return async (...args: Args): Promise<void> => {
    try {
      await work(...args);
    } catch (error) {
      fail(error);
    }
  };
}

/**
 * Whoever reads the output may stop early (`lifeboat … | head -1`): what is said after that is lost, the work goes on to its
 * end and the exit code stays true.
 */
export function outliveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Columns padded to the widest cell. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** A bar on a terminal, a line now and then elsewhere; always with numbers. */
export class Progress {
  readonly #label: string;
  readonly #unit: string;
  readonly #begun = Date.now();
  readonly #tty = Boolean(process.stderr.isTTY);
  #shownAt = 0;
  #last = '';
  constructor(label: string, unit: string) {
    this.#label = label;
    this.#unit = unit;
  }

  /** @param total undefined while it is not known */
  update(done: number, total?: number, note = ''): void {
    const now = Date.now();
    this.#last = this.#text(done, total, note);
    if (now - this.#shownAt < (this.#tty ? 100 : 5_000) && done !== total) return;
    this.#shownAt = now;
    process.stderr.write(this.#tty ? `\r\x1b[K${this.#last}` : `${this.#last}\n`);
  }

  end(): void {
    if (this.#tty && this.#last) process.stderr.write(`\r\x1b[K${this.#last}\n`);
  }

  #text(done: number, total: number | undefined, note: string): string {
    const seconds = (Date.now() - this.#begun) / 1000;
    const rate = seconds > 1 ? `, ${Math.round(done / seconds)}/s` : '';
    const of = total === undefined ? '' : ` of ${total}`;
    const filled = total ? Math.round((24 * done) / total) : 0;
    const bar = this.#tty && total ? ` [${'#'.repeat(filled)}${'.'.repeat(24 - filled)}]` : '';
    return `${this.#label}${bar} ${done}${of} ${this.#unit}${rate}${note && `, ${note}`}`;
  }
}

/** A password: from the terminal without echo, else the first line of standard input. */
export async function askPassword(prompt: string): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) {
    process.stderr.write(prompt);
    stdin.setRawMode(true);
  }
  let typed = '';
  try {
    for await (const chunk of stdin) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return typed;
        if (character === '\u0003') throw Object.assign(new Error('interrupted'), { code: 'SIGINT' });
        if (character === '\u007f' || character === '\b') typed = typed.slice(0, -1);
        else typed += character;
      }
    }
    return typed;
  } finally {
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      process.stderr.write('\n');
    }
    stdin.pause();
  }
}
