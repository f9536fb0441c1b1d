import { Command } from 'commander';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { verify } from '../../storage/verify.ts';
import { countOf, type VerifySummary } from '../../storage/verify-types.ts';
import { settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';
import { FindingsByPatient, findingLine, kindsHelp } from './verify-report.ts';

export function verifyCommand(): Command {
  const verifyCmd = new Command('verify')
    .description('prove that every image in the store is there and unchanged')
    .addHelpText(
      'after',
      `
Reads every object that the manifests name and compares size and SHA-256, every manifest and metadata segment, objects that no
manifest names, the catalogue image by image, and the chain of the audit trail. Changes nothing; the router may run meanwhile.
What is found is printed by key, and at the end once more by patient.

What it can find:
${kindsHelp()}

Exit code 1 when anything wrong was found. An object for which no answer came is tried again and then counted as not checked,
never as missing; a pass with any such object is not a clean one and ends with 4.

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
            const byPatient = new FindingsByPatient();
            const verification = verify({
              store,
              catalogue,
              onProgress: ({ studies, sound, bytes }) =>
                progress.update(studies, undefined, `${sound} objects, ${(bytes / 1e6).toFixed(0)} MB`),
            });
            for await (const finding of verification) {
              console.error(findingLine(finding));
              byPatient.add(finding);
            }
            progress.end();
            const patients = byPatient.text();
            if (patients) console.log(`${patients}\n`);
            const broken = await withControl(verifyCmd, (control) => control.trail.firstBroken());
            if (broken !== null)
              console.error(`AUDIT row ${broken} was changed or removed behind the back of the router.`);
            conclude(verification.summary, `audit trail ${broken === null ? 'whole' : 'BROKEN'}`, broken !== null);
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

/** Prints the sum and sets the exit code. */
function conclude(summary: VerifySummary, besides: string, alsoWrong: boolean): void {
  const { studies, sound, bytes } = summary;
  const wrong = countOf(summary, 'error');
  const notChecked = countOf(summary, 'not-checked');
  const notes = countOf(summary, 'note');
  console.log(
    `${sound} objects of ${studies} studies sound (${(bytes / 1e6).toFixed(1)} MB read), ${wrong} findings, ` +
      `${notChecked} not checked${notes > 0 ? `, ${notes} notes` : ''}; ${besides}.`,
  );
  if (wrong > 0 || alsoWrong) process.exitCode = EXIT.findings;
  else if (notChecked > 0) process.exitCode = EXIT.notChecked;
}
