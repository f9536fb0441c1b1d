import { Command } from 'commander';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { verify } from '../../storage/verify.ts';
import { settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function verifyCommand(): Command {
  const verifyCmd = new Command('verify')
    .description('prove that every image in the store is there and unchanged')
    .addHelpText(
      'after',
      `
Reads every object that the manifests name and compares size and SHA-256, every manifest and metadata segment, objects that no
manifest names, the catalogue's counts, and the chain of the audit trail. Changes nothing; the router may run meanwhile.
Exit code 1 when anything was found, 3 when some objects could not be checked because the store did not answer.

Examples:
  lifeboat verify
  lifeboat --config /etc/lifeboat.yaml verify`,
    )
    .action(
      command(async () => {
        const config = settingsOf(verifyCmd);
        const store = await openStore(config.store);
        try {
          await store.ping();
          const catalogue = await openCatalogue(config.database);
          try {
            const progress = new Progress('Verifying', 'studies');
            const verification = verify({
              store,
              catalogue,
              onProgress: ({ studies, sound, bytes }) =>
                progress.update(studies, undefined, `${sound} objects, ${(bytes / 1e6).toFixed(0)} MB`),
            });
            for await (const { kind, key, studyInstanceUID, text } of verification)
              console.error(
                [kind.toUpperCase(), key, studyInstanceUID && `(study ${studyInstanceUID})`].filter(Boolean).join(' ') +
                  `: ${text}`,
              );
            progress.end();
            const broken = await withControl(verifyCmd, (control) => control.trail.firstBroken());
            if (broken !== null)
              console.error(`AUDIT row ${broken} was changed or removed behind the back of the router.`);
            const { studies, sound, bytes, findings } = verification.summary;
            const found = Object.values(findings).reduce((sum, count) => sum + count, 0);
            console.log(
              `${sound} objects of ${studies} studies sound (${(bytes / 1e6).toFixed(1)} MB read), ${found} findings; ` +
                `audit trail ${broken === null ? 'whole' : 'BROKEN'}.`,
            );
            if (found > (findings['not-checked'] ?? 0) || broken !== null) process.exitCode = EXIT.findings;
            else if (found > 0) process.exitCode = EXIT.unavailable;
          } finally {
            await catalogue.close();
          }
        } finally {
          await store.close();
        }
      }),
    );
  return verifyCmd;
}
