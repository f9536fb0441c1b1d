import { Command, Option } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import {
  DEFAULT_ENVELOPE,
  ENVELOPES,
  envelopeKey,
  isEnvelopeName,
  readEnvelope,
  type StoreCredential,
  sealEnvelope,
} from '../../storage/format/break-glass-envelope.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { randomPassword } from '../access/passwords.ts';
import { tryBreakGlassKey } from '../lifeboat/break-glass-key.ts';
import { viewerAddress } from '../lifeboat/lifeboat-mode.ts';
import { breakGlassPolicy, POLICY_STORES, type PolicyStore } from '../lifeboat/policy.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { askPassword, command, table } from './terminal.ts';

/** Envelopes can be guessed at by everybody who can reach the store. */
const SHORTEST_PASSWORD = 16;

export function breakGlassCommand(): Command {
  const breakGlass = new Command('break-glass').description(
    'sealed read-only keys with which the archive opens when every server of ours is down',
  );
  breakGlass.addCommand(createCommand()).addCommand(listCommand()).addCommand(removeCommand());
  breakGlass.addCommand(policyCommand());
  return breakGlass;
}

function createCommand(): Command {
  const create = new Command('create')
    .description('seal a read-only access key of the store with a password')
    .argument('[name]', 'of the envelope', DEFAULT_ENVELOPE)
    .option('--own-password', 'ask for a password instead of making one')
    .addHelpText(
      'after',
      `
The key comes from LIFEBOAT_BREAK_GLASS_ACCESS_KEY and LIFEBOAT_BREAK_GLASS_SECRET_KEY, else it is asked for; it is tried, and
refused when it may write to the archive. What it must be allowed: lifeboat break-glass policy. The password is shown once; print
it, seal it, and keep it where the emergency is.

Examples:
  lifeboat break-glass create
  lifeboat break-glass create emergency-room --own-password`,
    )
    .action(
      command(async (name: string, options: { ownPassword?: true }) => {
        const config = settingsOf(create);
        if (config.store.kind !== 's3')
          throw new LifeboatError('BAD_REQUEST', 'A folder has no access keys: whoever may read it needs no envelope.');
        if (!isEnvelopeName(name))
          throw new LifeboatError('BAD_REQUEST', 'An envelope has a name of lower-case letters, digits and hyphens.');
        const store = await openStore(config.store);
        try {
          if (await store.head(envelopeKey(name)))
            throw new LifeboatError(
              'CONFLICT',
              `There is an envelope "${name}" already; remove it, or use another name.`,
            );
          const credential = await askCredential();
          await tryBreakGlassKey(config.store, credential);
          const password = options.ownPassword ? await askPassword('Break-glass password: ') : randomPassword();
          if (password.trim().length < SHORTEST_PASSWORD)
            throw new LifeboatError(
              'WEAK_PASSWORD',
              `A break-glass password has ${SHORTEST_PASSWORD} characters or more.`,
            );
          const envelope = await sealEnvelope(name, password, credential);
          await store.put(envelopeKey(name), Buffer.from(`${JSON.stringify(envelope, null, 2)}\n`), {
            contentType: 'application/json',
            cacheControl: 'no-cache',
          });
          await audited(create, name, 'envelope created');
          console.log(`Address   ${viewerAddress(config.store)}\nEnvelope  ${name}`);
          if (!options.ownPassword) console.log(`Password  ${password}\nIt is shown only now.`);
        } finally {
          await store.close();
        }
      }),
    );
  return create;
}

function listCommand(): Command {
  const list = new Command('list').description('envelopes in the store').action(
    command(async () => {
      const store = await openStore(settingsOf(list).store);
      try {
        const rows: string[][] = [];
        for await (const { key } of store.list(ENVELOPES)) {
          const { name, createdAt } = readEnvelope((await store.get(key)).toString('utf8'));
          rows.push([name, createdAt]);
        }
        console.log(rows.length > 0 ? table(['NAME', 'CREATED'], rows) : 'There are no envelopes in this store.');
      } finally {
        await store.close();
      }
    }),
  );
  return list;
}

function removeCommand(): Command {
  const remove = new Command('remove')
    .description('take an envelope out of the store; who has a copy of it can still open that')
    .argument('<name>', 'of the envelope')
    .action(
      command(async (name: string) => {
        if (!isEnvelopeName(name)) throw new LifeboatError('BAD_REQUEST', 'That is no name of an envelope.');
        const store = await openStore(settingsOf(remove).store);
        try {
          if (!(await store.head(envelopeKey(name))))
            throw new LifeboatError('NOT_FOUND', `There is no envelope "${name}" in this store.`);
          await store.delete(envelopeKey(name));
          await audited(remove, name, 'envelope removed');
          console.log(`Removed. Now delete its access key at the store too: a copy of the envelope still opens.`);
        } finally {
          await store.close();
        }
      }),
    );
  return remove;
}

function policyCommand(): Command {
  const policy = new Command('policy')
    .description('print what the store must allow the break-glass key, and browsers without one')
    .addOption(new Option('--store <kind>', 'the store').choices(POLICY_STORES).default('ceph'))
    .option('--user <name>', 'the store’s user that has the key', 'lifeboat-break-glass')
    .option('--bucket <name>', 'default: that of LIFEBOAT_STORE')
    .action(
      command((options: { store: PolicyStore; user: string; bucket?: string }) => {
        const { store } = settingsOf(policy);
        const bucket = options.bucket ?? (store.kind === 's3' ? store.bucket : undefined);
        if (!bucket)
          throw new LifeboatError('BAD_REQUEST', 'Name the bucket with --bucket; LIFEBOAT_STORE is a folder.');
        console.log(breakGlassPolicy(options.store, bucket, options.user));
      }),
    );
  return policy;
}

async function askCredential(): Promise<StoreCredential> {
  const { LIFEBOAT_BREAK_GLASS_ACCESS_KEY: accessKey, LIFEBOAT_BREAK_GLASS_SECRET_KEY: secretKey } = process.env;
  return {
    accessKey: accessKey ?? (await askPassword('Access key: ')).trim(),
    secretKey: secretKey ?? (await askPassword('Secret key: ')).trim(),
  };
}

async function audited(from: Command, name: string, detail: string): Promise<void> {
  await withControl(from, (control) =>
    control.audit({ ...operator, action: 'break-glass-envelope', object: name, detail, outcome: 'ok' }),
  );
}
