import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { decodeSpoolName } from '../../storage/spool-name.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import type { Config } from '../config.ts';
import { readCorrections } from '../corrections/read-corrections.ts';
import { exportStudy } from '../export/export-study.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

interface ExportCommandOptions {
  to: string;
  series?: string;
  allContents?: boolean;
  asReceived?: boolean;
  overwrite?: boolean;
}

export function exportCommand(): Command {
  const exportCmd = new Command('export')
    .description('write a study out of the store, byte for byte as it was received but for a corrected patient')
    .argument('<study>', 'Study Instance UID')
    .requiredOption('--to <target>', 'a folder, or a file ending in .zip')
    .option('--series <uid>', 'only this series')
    .option('--all-contents', 'also older contents of images received in several versions')
    .option('--as-received', 'with the patient as received, where the patient was corrected since')
    .option('--overwrite', 'replace what is there')
    .addHelpText(
      'after',
      `
A DICOMDIR is written too: a CD or a stick with the folder opens in any DICOM viewer.
Reads from the store alone: neither router nor catalogue is needed. Each file is read back and compared with its recorded hash;
Where the patient was corrected (IT page), the files carry the corrected one and the one received beside it.
SHA256SUMS beside the files lets anybody check it again (sha256sum -c SHA256SUMS).

Examples:
  lifeboat export 1.2.840.113619.2.55.3 --to /media/usb/study
  lifeboat export 1.2.840.113619.2.55.3 --to study.zip`,
    )
    .action(
      command(async (study: string, options: ExportCommandOptions) => {
        const config = settingsOf(exportCmd);
        const source = await openSource(config);
        try {
          const progress = new Progress('Exporting', 'files');
          const result = await exportStudy(source, study, options.to, {
            seriesInstanceUID: options.series,
            allContents: options.allContents,
            overwrite: options.overwrite,
            corrections: options.asReceived ? undefined : readCorrections(config.dataDir),
            waitForSpoolMs: 0,
            onProgress: ({ done, total, bytes }) => progress.update(done, total, `${(bytes / 1e6).toFixed(1)} MB`),
          });
          progress.end();
          for (const lost of result.missing) console.error(`MISSING ${lost.sopInstanceUID}: ${lost.reason}`);
          console.log(
            `${result.written} of ${result.instances} files written to ${result.target}, each read back and equal.`,
          );
          if (result.corrected > 0)
            console.log(
              `${result.corrected} of them carry the corrected patient (CORRECTED.TXT); --as-received leaves it out.`,
            );
          for (const left of result.notCorrected) console.error(`NOT CORRECTED ${left}`);
          if (result.spoolWaiting > 0)
            console.error(`${result.spoolWaiting} images still wait in the spool; some may belong to this study.`);
          await withControl(exportCmd, (control) => {
            const outcome = result.missing.length ? 'error' : 'ok';
            control.audit({
              ...operator,
              action: 'export',
              object: study,
              detail: `${result.written} files`,
              outcome,
            });
          });
          if (result.missing.length || result.notCorrected.length || result.spoolWaiting)
            process.exitCode = EXIT.findings;
        } finally {
          await source.reading.close();
        }
      }),
    );
  return exportCmd;
}

/** What an export needs: entries from the manifests in the store, and how much still waits in the spools. */
async function openSource(config: Config): Promise<Parameters<typeof exportStudy>[0]> {
  const store = await openStore(config.store);
  const cache = new StudyCache(store, {
    onDamaged: (error) => {
      console.error(`${error.code}: ${error.message}`);
      process.exitCode = EXIT.findings;
    },
  });
  const waiting = await spoolEntries(config);
  return {
    reading: store,
    entries: (uid) => cache.entries(uid),
    flush: async () => undefined,
    spool: () => ({ entries: waiting, bytes: 0, oldest: null, freeBytes: 0 }),
  };
}

async function spoolEntries(config: Config): Promise<number> {
  let count = 0;
  for (const dir of [join(config.dataDir, 'spool'), join(config.dataDir, 'import', 'spool')])
    for (const name of await readdir(dir).catch(() => [])) if (decodeSpoolName(name)) count++;
  return count;
}
