import { Argument, Command } from 'commander';
import type { Role } from '../../contract/api.ts';
import { randomPassword } from '../access/passwords.ts';
import { ROLES } from '../access/users.ts';
import { operator, withControl } from './settings.ts';
import { askPassword, command, table } from './terminal.ts';

export function userCommand(): Command {
  const user = new Command('user')
    .description('accounts of people: add, list, passwd, disable, enable, remove')
    .addHelpText(
      'after',
      `
Roles: radiologist (search, read, upload), modality (arrivals, upload), admin (everything).
Works while the router runs. A changed password ends the user's sessions and lifts a lock-out.

Examples:
  lifeboat user add eva radiologist              asks for the password
  lifeboat user add ct1 modality --generate      makes one and prints it once
  echo "$PASSWORD" | lifeboat user passwd admin  from standard input`,
    );

  user
    .command('list')
    .description('all accounts')
    .action(
      command(() =>
        withControl(user, (control) => {
          const rows = control.users
            .rows()
            .map((row) => [
              row.name,
              row.role,
              row.disabled ? 'disabled' : row.lockedUntil ? `locked until ${row.lockedUntil}` : 'active',
              row.lastLoginAt ?? 'never',
            ]);
          console.log(table(['NAME', 'ROLE', 'STATE', 'LAST SIGN-IN'], rows));
        }),
      ),
    );

  user
    .command('add')
    .description('make an account')
    .argument('<name>')
    .addArgument(new Argument('<role>').choices(ROLES))
    .option('--generate', 'make a password and print it once')
    .action(
      command(async (name: string, role: Role, options: { generate?: boolean }) => {
        const password = options.generate ? randomPassword() : await askPassword(`Password of ${name}: `);
        await withControl(user, async (control) => {
          await control.users.add(name, role, password, { mustChange: true });
          control.audit({
            ...operator,
            action: 'user-change',
            object: name,
            detail: `added as ${role}`,
            outcome: 'ok',
          });
        });
        console.log(`Added ${name} (${role}).${options.generate ? ` Password, shown only now: ${password}` : ''}`);
      }),
    );

  user
    .command('passwd')
    .description('set a password, lift a lock-out')
    .argument('<name>')
    .option('--generate', 'make a password and print it once')
    .action(
      command(async (name: string, options: { generate?: boolean }) => {
        const password = options.generate ? randomPassword() : await askPassword(`New password of ${name}: `);
        await withControl(user, async (control) => {
          await control.users.setPassword(name, password, { mustChange: Boolean(options.generate) });
          control.audit({ ...operator, action: 'user-change', object: name, detail: 'password set', outcome: 'ok' });
        });
        console.log(`Password of ${name} set.${options.generate ? ` Shown only now: ${password}` : ''}`);
      }),
    );

  for (const [word, disabled] of [
    ['disable', true],
    ['enable', false],
  ] as const)
    user
      .command(word)
      .description(disabled ? 'keep an account but let nobody use it' : 'let a disabled account be used again')
      .argument('<name>')
      .action(
        command((name: string) =>
          withControl(user, (control) => {
            control.users.change(name, { disabled });
            control.audit({ ...operator, action: 'user-change', object: name, detail: `${word}d`, outcome: 'ok' });
            console.log(`${name} is ${word}d.`);
          }),
        ),
      );

  user
    .command('remove')
    .description('delete an account; its rows in the audit trail stay')
    .argument('<name>')
    .action(
      command((name: string) =>
        withControl(user, (control) => {
          control.users.remove(name);
          control.audit({ ...operator, action: 'user-change', object: name, detail: 'removed', outcome: 'ok' });
          console.log(`Removed ${name}.`);
        }),
      ),
    );
  return user;
}
