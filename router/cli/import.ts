import { join } from 'node:path';
import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { importPaths } from '../import/import-paths.ts';
import { type ImportOutcome, isFailure } from '../import/import-types.ts';
import { wasKeptIn } from '../import/was-kept.ts';
import { openImportArchive } from '../import-spool.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

const WORDS: Record<ImportOutcome, string> = {
  kept: 'kept',
  already: 'already in the archive',
  skipped: 'done by an earlier run',
  refused: 'REFUSED',
  missing: 'MISSING',
  'not-dicom': 'no DICOM files',
  'nested-zip': 'ZIP files within ZIP files, not opened',
  dicomdir: 'DICOMDIR',
};

export function importCommand(): Command {
  const importCmd = new Command('import')
    .description('take in files, folders, ZIP files, DICOMDIRs')
    .argument('<path...>')
    .option('--again', 'read also what an earlier import has done')
    .option('--verbose', 'one line for each file')
    .addHelpText(
      'after',
      `
Works while the router runs, and goes on where an import that was stopped left off. One import at a time.
Each file is on stable storage before it counts as kept; the originals are not touched.

Examples:
  lifeboat import /media/cdrom
  lifeboat import old-archive/ export.zip --verbose`,
    )
    .action(
      command(async (paths: string[], options: { again?: boolean; verbose?: boolean }) => {
        const config = settingsOf(importCmd);
        const archive = await openImportArchive(config, (error) => console.error(`lifeboat: ${error.message}`)).catch(
          (error: unknown) => {
            const held = error instanceof LifeboatError && /in use by process/.test(error.message);
            throw held ? new LifeboatError('CONFIG_INVALID', 'Another import is running; wait for it to end.') : error;
          },
        );
        const counts = new Map<ImportOutcome, number>();
        const studies = new Set<string>();
        let committed = true;
        try {
          const progress = new Progress('Importing', 'files');
          const run = importPaths(paths, archive, {
            user: operator.user,
            stateFile: join(config.dataDir, 'import', 'done'),
            again: options.again,
            wasKept: wasKeptIn(archive),
          });
          for await (const step of run) {
            counts.set(step.outcome, (counts.get(step.outcome) ?? 0) + 1);
            if (step.received) studies.add(step.received.studyInstanceUID);
            if (isFailure(step.outcome))
              console.error(`${WORDS[step.outcome]} ${step.path}: ${step.reason ?? step.code}`);
            else if (options.verbose) console.log(`${WORDS[step.outcome]} ${step.path}`);
            progress.update(step.done, step.searching ? undefined : step.found);
          }
          progress.end();
          committed = await settled(archive);
        } finally {
          await archive.close();
        }
        await withControl(importCmd, (control) => {
          for (const object of studies)
            control.audit({ ...operator, action: 'upload', object, detail: 'import', outcome: 'ok' });
        });
        const parts = [...counts].map(([outcome, count]) => `${count} ${WORDS[outcome]}`);
        console.log(`${parts.join(', ') || 'Nothing found'}; ${studies.size} studies.`);
        if (!committed) console.log('The store does not answer: what was kept waits safely in the spool of imports.');
        if ([...counts.keys()].some(isFailure)) process.exitCode = EXIT.findings;
        else if (!committed) process.exitCode = EXIT.unavailable;
      }),
    );
  return importCmd;
}

/** Waits until everything is in the store; false when the store is away. */
async function settled(archive: Awaited<ReturnType<typeof openImportArchive>>): Promise<boolean> {
  const flushed = archive.flush().then(() => true);
  for (;;) {
    const done = await Promise.race([flushed, new Promise<false>((resolve) => setTimeout(resolve, 1000, false))]);
    if (done) return true;
    if (archive.spool().storeError) {
      flushed.catch(() => undefined);
      return false;
    }
  }
}
