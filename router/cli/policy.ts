import { Command, Option } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { POLICY_STORES, type PolicyStore } from '../lifeboat/policy.ts';
import { everydayPolicy, tidyLifecycle } from '../retention/everyday-policy.ts';
import { settingsOf } from './settings.ts';
import { command } from './terminal.ts';

export function policyCommand(): Command {
  const policy = new Command('policy').description('what the store must allow the router, to be given to the store');
  policy.addCommand(everydayCommand()).addCommand(lifecycleCommand());
  return policy;
}

function everydayCommand(): Command {
  const everyday = new Command('everyday')
    .description('print a policy with which the router’s key cannot delete a version or shorten a lock')
    .addOption(new Option('--store <kind>', 'the store').choices(POLICY_STORES).default('ceph'))
    .option('--bucket <name>', 'default: that of LIFEBOAT_STORE')
    .option('--user <name>', 'the store’s user whose key the router has', 'lifeboat-router')
    .option('--owner <name>', 'the store’s user that owns the bucket', 'lifeboat-owner')
    .option('--break-glass-user <name>', 'put in what lifeboat mode needs too: a bucket has one policy')
    .addHelpText(
      'after',
      `
The owner makes the bucket, with object lock, and gives it this policy; its key is kept under lock. The router gets the key of --user.
With it everything works but three things, which are done by hand with the owner's key: restore-versions after an attack, retention
apply, and the removal of manifest segments that compaction has replaced (they stay and do no harm).

Examples (Ceph):
  lifeboat policy everyday --bucket images > policy.json
  aws --endpoint-url https://STORE s3api create-bucket --bucket images --object-lock-enabled-for-bucket
  aws --endpoint-url https://STORE s3api put-bucket-policy --bucket images --policy file://policy.json`,
    )
    .action(
      command(
        (options: { store: PolicyStore; bucket?: string; user: string; owner: string; breakGlassUser?: string }) => {
          const { store } = settingsOf(everyday);
          const bucket = options.bucket ?? (store.kind === 's3' ? store.bucket : undefined);
          if (!bucket)
            throw new LifeboatError('BAD_REQUEST', 'Name the bucket with --bucket; LIFEBOAT_STORE is a folder.');
          const { user, owner, breakGlassUser } = options;
          console.log(
            everydayPolicy(options.store, { bucket, user, owner, ...(breakGlassUser && { breakGlassUser }) }),
          );
        },
      ),
    );
  return everyday;
}

function lifecycleCommand(): Command {
  return new Command('lifecycle')
    .description('print rules that remove old versions of what lifeboat mode publishes anew (index, viewer)')
    .addHelpText(
      'after',
      `
Example:
  lifeboat policy lifecycle > rules.json
  aws --endpoint-url https://STORE s3api put-bucket-lifecycle-configuration --bucket images --lifecycle-configuration file://rules.json`,
    )
    .action(command(() => console.log(tidyLifecycle())));
}
