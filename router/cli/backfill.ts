import { resolve } from 'node:path';
import { Command } from 'commander';
import type { BackfillStatus } from '../../contract/backfill.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { planOf } from '../backfill/backfill-plan.ts';
import { BackfillState } from '../backfill/backfill-state.ts';
import { backfillStatus } from '../backfill/backfill-status.ts';
import type { Config } from '../config.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, table } from './terminal.ts';

interface StartOptions {
  from?: string;
  to?: string;
  modality?: string;
  order?: string;
  window?: string;
  rate?: number;
  parallel?: number;
  via?: string;
  folder?: string;
}

export function backfillCommand(): Command {
  const backfill = new Command('backfill').description('fetch the history from the main PACS before it is needed');
  const number = (name: string) => (text: string) => {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new LifeboatError('BAD_REQUEST', `${name} takes a number.`);
    return Number(text);
  };
  const start = new Command('start')
    .description('begin a plan, in place of the former one; the running router does the work')
    .option('--from <day>', 'first study date, YYYY-MM-DD; default ten years ago')
    .option('--to <day>', 'last study date; default today')
    .option('--modality <list>', 'only these, as CT,MR; default all')
    .option('--order <order>', 'newest (first), oldest, or modality (one after the other as listed)')
    .option('--window <hours>', 'work only within, as 22:00-06:00')
    .option('--rate <n>', 'images a second at most', number('--rate'))
    .option('--parallel <n>', 'studies at once, 1 to 8; default 2', number('--parallel'))
    .option('--via <way>', 'dimse (C-FIND, C-MOVE), get (C-FIND, C-GET) or web (QIDO-RS, WADO-RS)')
    .option('--folder <folder>', 'take in the files below a folder of the router’s machine instead')
    .addHelpText(
      'after',
      `
For C-MOVE the PACS must know Lifeboat's AE title, host and port; C-GET and DICOMweb need nothing of it. The PACS is left alone while it is slow or
down. What is here already is not fetched again, also after a crash.

Examples:
  lifeboat backfill start --from 2020-01-01 --window 20:00-06:00
  lifeboat backfill start --modality CT,MR --order modality --rate 30
  lifeboat backfill start --folder /mnt/old-archive
  lifeboat backfill status`,
    )
    .action(
      command(async (options: StartOptions) => {
        const config = settingsOf(start);
        const { modality, folder, ...rest } = options;
        const plan = planOf(
          {
            ...rest,
            ...(modality !== undefined && { modalities: modality.split(',').map((each) => each.trim().toUpperCase()) }),
            ...(folder !== undefined && { via: 'folder', folder: resolve(folder) }),
          },
          sourcesOf(config),
        );
        await withState(config, async (state) => {
          state.start(plan);
          await audit(start, 'start', JSON.stringify(plan));
          console.log('The plan is written down; the running router begins within a second.');
        });
      }),
    );
  const status = new Command('status')
    .description('how far it is')
    .option('--json', 'everything, for programs')
    .action(
      command(async ({ json }: { json?: boolean }) => {
        const config = settingsOf(status);
        await withState(config, (state) => {
          const said = backfillStatus(state, {
            sources: sourcesOf(config),
            waitsFor: state.fact('waits for') ?? '',
            ratePerS: Number(state.fact('rate') || Number.NaN) || null,
          });
          console.log(json ? JSON.stringify(said, null, 2) : textOf(said));
          if (said.studiesFailed > 0) process.exitCode = EXIT.findings;
        });
      }),
    );
  backfill.addCommand(start).addCommand(status);
  for (const [name, words] of [
    ['pause', 'stand still until resumed'],
    ['resume', 'go on'],
    ['retry', 'try again what was given up'],
  ] as const) {
    const one = new Command(name).description(words);
    one.action(
      command(async () => {
        await withState(settingsOf(one), async (state) => {
          if (!state.plan) throw new LifeboatError('BAD_REQUEST', 'There is no plan: lifeboat backfill start.');
          if (name === 'retry') state.retry();
          else if (state.state !== 'done') state.state = name === 'pause' ? 'paused' : 'running';
          await audit(one, name, '');
          console.log(`Backfill: ${state.state}.`);
        });
      }),
    );
    backfill.addCommand(one);
  }
  return backfill;
}

const sourcesOf = (config: Config) => [
  ...(config.pacs ? (['dimse', 'get'] as const) : []),
  ...(config.pacsWeb ? (['web'] as const) : []),
  'folder' as const,
];

async function withState(config: Config, work: (state: BackfillState) => Promise<void> | void): Promise<void> {
  const state = new BackfillState(config.dataDir);
  try {
    await work(state);
  } finally {
    state.close();
  }
}

const audit = (of: Command, object: string, detail: string) =>
  withControl(of, (control) =>
    control.audit({ ...operator, action: 'backfill', object, detail: detail.slice(0, 500), outcome: 'ok' }),
  );

function textOf(status: BackfillStatus): string {
  const { plan } = status;
  if (!plan) return 'No plan. Begin one with: lifeboat backfill start';
  const what =
    plan.via === 'folder'
      ? `folder ${plan.folder}`
      : `${plan.from} to ${plan.to}, ${plan.modalities.join(', ') || 'all modalities'}, by ${plan.via}`;
  const lines = [
    `Plan      ${what}${plan.window && `, only ${plan.window}`}${plan.rate ? `, at most ${plan.rate} images/s` : ''}`,
    `State     ${status.state}${status.waitsFor && `; waits for ${status.waitsFor}`}`,
  ];
  if (plan.via !== 'folder') {
    lines.push(`Asked     ${status.slicesDone} of ${status.slices} queries${status.at ? `, at ${status.at}` : ''}`);
    lines.push(`Studies   ${status.studiesDone} of ${status.studies} known, ${status.studiesFailed} given up`);
  }
  lines.push(`Images    ${status.imagesDone} of ${status.images} known`);
  if (status.ratePerS !== null) lines.push(`Rate      ${status.ratePerS.toFixed(1)} images/s`);
  if (status.finishedAt) lines.push(`Finished  about ${status.finishedAt}`);
  if (status.priors > 0) lines.push(`Priors    ${status.priorsDone} of ${status.priors} studies of expected patients`);
  if (status.problems.length > 0) {
    const rows = status.problems
      .slice(0, 20)
      .map(({ patientID, studyDate, studyInstanceUID, attempts, reason }) => [
        patientID || '-',
        studyDate || '-',
        studyInstanceUID || '-',
        String(attempts),
        reason,
      ]);
    lines.push('', table(['PATIENT ID', 'DATE', 'STUDY', 'TRIES', 'WHY'], rows));
  }
  return lines.join('\n');
}
