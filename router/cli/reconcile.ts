import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import type { Config } from '../config.ts';
import { openForwarding } from '../forward/forwarding.ts';
import { findingsText, reconcileCsv, reconcileReport, sumsOf } from '../reconcile/reconcile-report.ts';
import { ReconcileState } from '../reconcile/reconcile-state.ts';
import { Reconciler } from '../reconcile/reconciler.ts';
import { Remotes } from '../reconcile/remotes.ts';
import { writePdf } from '../reports/pdf.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

interface Options {
  with?: string;
  from: string;
  to: string;
  mend: boolean;
  pdf?: string;
  csv?: string;
}

/** A run that the peer leaves without an answer so often in a row is given up for now. */
const PATIENCE = 6;
const SHOWN = 10_000;

export function reconcileCommand(): Command {
  const reconcileCmd = new Command('reconcile')
    .description('compare with a PACS image by image, put right what can be put right, list the rest by patient')
    .option(
      '--with <pacs>',
      'the PACS: LIFEBOAT_PACS (the default) or a destination of the forwarding, by name or AE title',
    )
    .requiredOption(
      '--from <time>',
      'of receipt and of study date: 2026-11-25 or 2026-11-25T08:00, time of this machine',
      time,
    )
    .option('--to <time>', 'up to and without it; default: now', time, new Date().toISOString())
    .option('--no-mend', 'only compare: nothing is sent or fetched')
    .option('--pdf <file>', 'write the report there')
    .option('--csv <file>', 'write every study and finding there')
    .addHelpText(
      'after',
      `
Asks by C-FIND at image level, or by QIDO-RS of a STOW-RS destination. Images that the PACS lacks go through the forwarding queue
of the running router once more; images that only it has are fetched by C-MOVE to the running router, which it must know.
The router does the same by itself after each outage; findings are decided on and reports are signed off on its page
Reconciliation, where runs of this command are shown too.
A run that was stopped goes on where it was when the command is given once more with the same --from and --to.

Exit codes here: 0 both sides agree; 1 something is open, it was printed; 3 the PACS does not answer.

Examples:
  lifeboat reconcile --from 2026-11-24 --to 2026-11-25
  lifeboat reconcile --with PACS --from 2026-01-01 --to 2026-02-01 --no-mend --pdf january.pdf --csv january.csv`,
    )
    .action(
      command(async (options: Options) => {
        const config = settingsOf(reconcileCmd);
        await withControl(reconcileCmd, (control) =>
          control.audit({
            ...operator,
            action: 'reconcile',
            object: options.with ?? 'LIFEBOAT_PACS',
            detail: `${options.from} to ${options.to}${options.mend ? '' : ', nothing is mended'}`,
            outcome: 'ok',
          }),
        );
        await reconcile(config, options);
      }),
    );
  return reconcileCmd;
}

async function reconcile(config: Config, options: Options): Promise<void> {
  const store = await openStore(config.store);
  const forwarding = openForwarding(config);
  forwarding.withStore(store);
  const catalogue = await openCatalogue(config.database);
  const state = new ReconcileState(config.dataDir);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const cache = new StudyCache(store, { onDamaged: (error) => console.error(`${error.code}: ${error.message}`) });
    const remotes = new Remotes(config, forwarding);
    const given = options.with ?? remotes.pacsName;
    const peer = given === undefined ? undefined : remotes.nameFor(given);
    if (peer === undefined) {
      const there = remotes.names.length > 0 ? `one of: ${remotes.names.join(', ')}` : 'LIFEBOAT_PACS is not set';
      throw new LifeboatError('BAD_REQUEST', `There is no PACS ${given ?? ''} to reconcile with; ${there}.`);
    }
    const run = state.begin({ peer, from: options.from, to: options.to }, `asked for by ${operator.user}`, 'cli');
    const progress = new Progress('Comparing', 'studies');
    const reconciler = new Reconciler({
      state,
      archive: { catalogue, entries: (study) => cache.entries(study) },
      forwarding,
      remote: (name) => remotes.remote(name),
      mend: options.mend,
      patience: PATIENCE,
    });
    try {
      await reconciler.work(run, stop.signal, ({ phase, done, total, message }) =>
        progress.update(done, phase === 'listing' ? undefined : total, message || phase),
      );
    } finally {
      progress.end();
    }
    await conclude(state, run, options);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    state.close();
    await catalogue.close();
    await forwarding.close();
    await forwarding.closeQueue();
    await store.close();
  }
}

async function conclude(state: ReconcileState, id: number, options: Options): Promise<void> {
  const run = state.run(id)!;
  const findings = findingsText(state.findings(id, SHOWN));
  if (findings !== '') console.log(`${findings}\n`);
  console.log(`${run.peer}: ${run.compared} of ${run.studies} studies compared; ${sumsOf(run)}.`);
  if (run.mended > 0) console.log(`${run.mended} findings were put right.`);
  if (options.pdf) writeFileSync(options.pdf, await writePdf(reconcileReport(state, run)));
  if (options.csv) writeFileSync(options.csv, reconcileCsv(state, run));
  if (run.state !== 'done') {
    console.error('Stopped before its end: the same command goes on.');
    process.exitCode = EXIT.findings;
  } else if (run.open > 0) process.exitCode = EXIT.findings;
}

/** A day or a time of this machine's clock; UTC where it ends in Z. */
function time(value: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(value);
  const at = new Date(day ? `${value}T00:00:00` : value);
  if (Number.isNaN(at.getTime()) || !/^\d{4}-\d{2}-\d{2}/.test(value))
    throw new InvalidArgumentError('a day like 2026-11-25, or a time like 2026-11-25T08:00');
  return at.toISOString();
}
