import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import type { DrillReport } from '../../contract/lifeboat.ts';
import { isEnvelopeName } from '../../storage/format/break-glass-envelope.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import { openByPassword } from '../lifeboat/break-glass-key.ts';
import { drill, drillBy } from '../lifeboat/drill.ts';
import { keepReport } from '../lifeboat/drill-reports.ts';
import { version } from '../version.ts';
import { settingsOf } from './settings.ts';
import { askPassword, command, EXIT, Progress } from './terminal.ts';

interface Options {
  studies: number;
  report?: string;
  envelope?: string;
}

export function drillCommand(): Command {
  const drillCmd = new Command('drill')
    .description('prove that lifeboat mode works: no router, no database, only the store')
    .option('--studies <n>', 'studies to open, drawn by chance', studiesOf, 20)
    .option('--envelope <name>', 'open this break-glass envelope with its password, and do the rest with its key')
    .option('--report <file>', 'write the report there, and nothing into the store')
    .addHelpText(
      'after',
      `
Checks the signed description of the archive, the published viewer and the ways in; then finds each study of the sample by every
way of searching, reads its lists of images, compares every image with its SHA-256, and decodes a frame of every series, with the
code that the browser runs. The archive is only read. The dated report is kept in the store (lifeboat/drills/) and shown on the
integrity page. The password of --envelope is LIFEBOAT_BREAK_GLASS_PASSWORD, else it is asked for. Once in a while do it with your hands too: stop everything, and open the viewer's address.

Exit code 1 when anything was wrong, 4 when something did not answer.

Examples:
  lifeboat drill
  lifeboat drill --studies 200
  lifeboat drill --envelope break-glass
  LIFEBOAT_STORE=file:/mnt/copy lifeboat drill --report drill.json`,
    )
    .action(
      command(async ({ studies, report: file, envelope }: Options) => {
        const config = settingsOf(drillCmd);
        const store = await openStore(config.store);
        try {
          await store.ping();
          const wayIn = envelope === undefined ? undefined : await wayInBy(config.store, envelope);
          const progress = new Progress('Opening', 'studies');
          const report = await drill({
            store,
            studies,
            by: drillBy(version),
            needsEnvelope: config.store.kind === 's3',
            ...(wayIn && { wayIn }),
            onStudy: (done) => progress.update(done),
          });
          progress.end();
          console.log(textOf(report));
          if (file) writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
          else console.log(`Report: ${await keepReport(store, report)}`);
          process.exitCode = EXIT_OF[report.outcome];
        } finally {
          await store.close();
        }
      }),
    );
  return drillCmd;
}

async function wayInBy(store: StoreConfig, envelope: string) {
  if (store.kind !== 's3')
    throw new LifeboatError('BAD_REQUEST', 'A folder has no access keys: whoever may read it needs no envelope.');
  if (!isEnvelopeName(envelope)) throw new LifeboatError('BAD_REQUEST', 'That is no name of an envelope.');
  const password = process.env['LIFEBOAT_BREAK_GLASS_PASSWORD'] ?? (await askPassword('Break-glass password: '));
  return { envelope, open: () => openByPassword(store, envelope, password) };
}

const EXIT_OF = { passed: EXIT.ok, failed: EXIT.findings, 'not-checked': EXIT.notChecked };
const WORDS = { passed: 'PASSED', failed: 'FAILED', 'not-checked': 'NOT CHECKED' };

function studiesOf(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1)
    throw new LifeboatError('BAD_REQUEST', '--studies takes a whole number from 1 on.');
  return n;
}

function textOf({ outcome, steps, studies }: DrillReport): string {
  return [
    ...steps.map((step) => `${WORDS[step.outcome]}  ${step.name}: ${step.detail}`),
    ...studies.flatMap(({ studyInstanceUID, problems }) => problems.map((each) => `  ${studyInstanceUID}: ${each}`)),
    `Drill ${WORDS[outcome]}`,
  ].join('\n');
}
