import { Command } from 'commander';
import { operator, withControl } from './settings.ts';
import { command, table } from './terminal.ts';

export function aeCommand(): Command {
  const ae = new Command('ae').description('DICOM senders: list, allow, remove').addHelpText(
    'after',
    `
Works while the router runs: the next association is judged anew.

Examples:
  lifeboat ae list
  lifeboat ae allow CT1 --note "CT, ground floor"
  lifeboat ae allow CT1 --port 104       where it takes reports of storage commitment`,
  );

  ae.command('list')
    .description('allowed senders, and unknown ones that knocked')
    .action(
      command(() =>
        withControl(ae, (control) => {
          const rows = control
            .aes()
            .map((row) => [
              row.title,
              row.allowed ? 'allowed' : 'UNKNOWN',
              row.origin,
              row.lastSeenAt ?? 'never',
              row.lastAddress ?? '',
              String(row.rejected),
              row.note,
            ]);
          console.log(table(['TITLE', 'STATE', 'FROM', 'LAST SEEN', 'ADDRESS', 'REJECTED', 'NOTE'], rows));
        }),
      ),
    );

  ae.command('allow')
    .description('let a calling AE title send')
    .argument('<title>')
    .option('--note <note>', 'what it is')
    .option('--port <port>', 'where it takes reports of storage commitment')
    .option('--host <host>', 'with --port; default: where it last called from')
    .action(
      command((title: string, options: { note?: string; port?: string; host?: string }) =>
        withControl(ae, (control) => {
          control.allowAe(title, options.note);
          if (options.port !== undefined) control.setAeAddress(title, Number(options.port), options.host);
          control.audit({ ...operator, action: 'ae-change', object: title, detail: 'allowed', outcome: 'ok' });
          console.log(`${title} may send.`);
        }),
      ),
    );

  ae.command('remove')
    .description('forget a sender; it is unknown again')
    .argument('<title>')
    .action(
      command((title: string) =>
        withControl(ae, (control) => {
          control.removeAe(title);
          control.audit({ ...operator, action: 'ae-change', object: title, detail: 'removed', outcome: 'ok' });
          console.log(`Removed ${title}.`);
        }),
      ),
    );
  return ae;
}
