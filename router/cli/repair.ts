import { join } from 'node:path';
import { Command } from 'commander';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { isRepairable, repair } from '../../storage/repair.ts';
import { ScrubState } from '../../storage/scrub-state.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { INTEGRITY_FILE } from '../integrity.ts';
import { openSources } from '../repair-sources.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, table } from './terminal.ts';

interface Options {
  from: string[];
  file: string[];
  key?: string;
  dryRun?: true;
}

export function repairCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  const repairCmd = new Command('repair')
    .description('put right what verify or the scrub has found')
    .option('--from <store>', 'a second store or a copy: file:/folder or s3://bucket; may be given again', collect, [])
    .option('--file <path>', 'a file or folder with the right files under any name; may be given again', collect, [])
    .option('--key <key>', 'only what was found about this key')
    .option('--dry-run', 'only say what would be tried')
    .addHelpText(
      'after',
      `
Takes the open findings of the last verify or scrub. Objects are looked for in the files and stores named, then among the whole
files of the spool and, by WADO-RS, in the PACS (LIFEBOAT_PACS_DICOMWEB), and written only when their SHA-256 is the recorded one and that of the object here is not. Segments are taken
from a second store, or made again from the objects. Nothing is deleted. What was repaired, from where and when is kept (page
Integrity, audit trail); what could not be repaired is listed by patient.

Examples:
  lifeboat repair --from file:/mnt/second-copy
  lifeboat repair --file /mnt/cd/IM00017 --key objects/a1/1.2.3/…
  lifeboat repair --dry-run`,
    )
    .action(
      command(async (options: Options) => {
        const config = settingsOf(repairCmd);
        const state = new ScrubState(join(config.dataDir, INTEGRITY_FILE));
        const store = await openStore(config.store);
        const { sources, close } = await openSources(config, { from: options.from, files: options.file });
        const catalogue = await openCatalogue(config.database);
        try {
          await store.ping();
          const open = state
            .findings('open', 100_000)
            .filter(({ key, severity }) => severity === 'error' && (!options.key || key === options.key));
          const wanted = open.filter(({ kind }) => isRepairable(kind));
          const others = open.length - wanted.length;
          if (options.dryRun) {
            for (const { kind, key } of wanted) console.log(`${kind.toUpperCase()} ${key}: would be tried`);
            console.log(`${wanted.length} findings would be tried, ${others} cannot be repaired by themselves.`);
            return;
          }
          const parts = { store, catalogue, sources, entries: new StudyCache(store), by: operator.user };
          const failed: string[][] = [];
          let repaired = 0;
          for (const finding of wanted) {
            const row = await repair(parts, finding);
            state.repaired(row);
            await withControl(repairCmd, (control) =>
              control.audit({
                ...operator,
                action: 'repair',
                object: row.studyInstanceUID,
                detail: `${row.kind} ${row.key} from ${row.source || 'nowhere'}: ${row.detail}`.slice(0, 500),
                outcome: row.outcome === 'repaired' ? 'ok' : 'error',
              }),
            );
            console.log(
              `${row.outcome.toUpperCase()} ${row.key}${row.source ? ` from ${row.source}` : ''}: ${row.detail}`,
            );
            if (row.outcome === 'repaired') repaired++;
            else
              failed.push([
                finding.patientID || '(unknown)',
                finding.patientName || '(unknown)',
                finding.studyDate,
                finding.kind,
                finding.studyInstanceUID,
                finding.sopInstanceUID,
              ]);
          }
          if (failed.length > 0) {
            failed.sort((a, b) => (a[0]! < b[0]! ? -1 : 1));
            console.log(
              `\nNot repaired:\n${table(['PATIENT ID', 'NAME', 'STUDY DATE', 'FOUND', 'STUDY', 'IMAGE'], failed)}\n`,
            );
          }
          console.log(
            `${repaired} of ${wanted.length} repaired${others > 0 ? `; ${others} findings cannot be repaired by themselves` : ''}. ` +
              'Run `lifeboat verify` to see that all is well.',
          );
          if (failed.length + others > 0) process.exitCode = EXIT.findings;
        } finally {
          await catalogue.close();
          await close();
          await store.close();
          state.close();
        }
      }),
    );
  return repairCmd;
}
