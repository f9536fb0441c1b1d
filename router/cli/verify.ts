import { Command } from 'commander';
import { openStore } from '../../storage/stores/open-store.ts';
import { verifyStore } from '../verify-store.ts';
import { settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function verifyCommand(): Command {
  const verifyCmd = new Command('verify')
    .description('prove that every image in the store is there and unchanged')
    .option('--quick', 'presence and size only; contents are not read')
    .addHelpText(
      'after',
      `
Reads every object that the manifests name and compares size and SHA-256; also checks the chain of the audit trail. Changes
nothing; the router may run meanwhile. Exit code 1 when anything was found.

Examples:
  lifeboat verify
  lifeboat verify --quick`,
    )
    .action(
      command(async (options: { quick?: boolean }) => {
        const store = await openStore(settingsOf(verifyCmd).store);
        try {
          await store.ping();
          const progress = new Progress('Verifying', 'manifest segments');
          const result = await verifyStore(store, {
            quick: options.quick,
            onFinding: ({ code, key, message }) => console.error(`${code} ${key}: ${message}`),
            onProgress: ({ segments, ofSegments, objects, bytes }) =>
              progress.update(segments, ofSegments, `${objects} objects, ${(bytes / 1e6).toFixed(0)} MB`),
          });
          progress.end();
          const broken = await withControl(verifyCmd, (control) => control.trail.firstBroken());
          if (broken !== null) console.error(`AUDIT row ${broken} was changed or removed behind the router's back.`);
          console.log(
            `${result.objects} objects ${options.quick ? 'present with the right size' : 'read and compared'}, ` +
              `${result.findings} findings, ${result.unnamed} objects that no manifest names; ` +
              `audit trail ${broken === null ? 'whole' : 'BROKEN'}.`,
          );
          if (result.findings > 0 || broken !== null) process.exitCode = EXIT.findings;
        } finally {
          await store.close();
        }
      }),
    );
  return verifyCmd;
}
