import { Command, Option } from 'commander';
import type { Scope } from '../../contract/api.ts';
import { SCOPES } from '../access/tokens.ts';
import { operator, withControl } from './settings.ts';
import { command, table } from './terminal.ts';

export function tokenCommand(): Command {
  const token = new Command('token').description('tokens of machine clients: add, list, remove').addHelpText(
    'after',
    `
A token goes into the header "Authorization: Bearer …". Its secret is printed once and kept only as a hash.

Examples:
  lifeboat token add "OHIF test" --scope dicomweb:read --days 30
  lifeboat token add gateway --scope dicomweb:read dicomweb:write
  lifeboat token remove 3f2a9c1d0b7e`,
  );

  token
    .command('list')
    .description('all tokens, without their secrets')
    .action(
      command(() =>
        withControl(token, (control) => {
          const rows = control.tokens
            .rows()
            .map((row) => [
              row.id,
              row.name,
              row.scopes.join(' '),
              row.expiresAt ?? 'never',
              row.lastUsedAt ?? 'never',
            ]);
          console.log(table(['ID', 'NAME', 'SCOPES', 'EXPIRES', 'LAST USED'], rows));
        }),
      ),
    );

  token
    .command('add')
    .description('make a token and print its secret')
    .argument('<name>')
    .addOption(new Option('--scope <scope...>', 'what it may do').choices(SCOPES).makeOptionMandatory())
    .option('--days <days>', 'expires after so many days; default never')
    .action(
      command((name: string, options: { scope: Scope[]; days?: string }) =>
        withControl(token, (control) => {
          const expiresAt =
            options.days === undefined ? null : new Date(Date.now() + Number(options.days) * 86_400_000).toISOString();
          const created = control.tokens.create({ name, scopes: options.scope, expiresAt });
          const detail = `created ${created.id}: ${created.scopes.join(' ')}`;
          control.audit({ ...operator, action: 'token-change', object: name, detail, outcome: 'ok' });
          console.log(`Token ${created.id}; its secret, shown only now:\n${created.secret}`);
        }),
      ),
    );

  token
    .command('remove')
    .description('make a token worthless at once')
    .argument('<id>')
    .action(
      command((id: string) =>
        withControl(token, (control) => {
          control.tokens.remove(id);
          control.audit({ ...operator, action: 'token-change', object: id, detail: 'removed', outcome: 'ok' });
          console.log(`Removed ${id}.`);
        }),
      ),
    );
  return token;
}
