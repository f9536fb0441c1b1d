import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { heldStudies, holdInBucket, holdsOf, writeHold } from '../../storage/policy/holds.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, table } from './terminal.ts';

export function holdCommand(): Command {
  const hold = new Command('hold').description('legal hold: studies that are never removed, whatever the rules say');
  for (const state of ['placed', 'released'] as const) hold.addCommand(changeCommand(state));
  hold.addCommand(listCommand());
  return hold;
}

function changeCommand(state: 'placed' | 'released'): Command {
  const name = state === 'placed' ? 'place' : 'release';
  const change = new Command(name)
    .description(state === 'placed' ? 'hold a study' : 'end the hold on a study')
    .argument('<study>', 'Study Instance UID')
    .requiredOption('--reason <text>', 'why; it is kept in the store')
    .addHelpText(
      'after',
      `
In a bucket with object lock the store's own legal hold is ${state === 'placed' ? 'set' : 'ended'} too, where the key may: the router's everyday key may not.

Example:
  lifeboat hold ${name} 1.2.826.0.1.3680043.10.1 --reason "court order 12/26"`,
    )
    .action(
      command(async (study: string, { reason }: { reason: string }) => {
        const config = settingsOf(change);
        const store = await openStore(config.store);
        try {
          const before = (await holdsOf(store, study)).at(-1)?.state;
          if (before === state || (state === 'released' && before === undefined))
            throw new LifeboatError('CONFLICT', `This study is ${before === 'placed' ? 'held already' : 'not held'}.`);
          await writeHold(store, study, { state, by: operator.user, reason });
          await withControl(change, (control) =>
            control.audit({
              ...operator,
              action: 'legal-hold',
              object: study,
              detail: `${state}: ${reason}`,
              outcome: 'ok',
            }),
          );
          console.log(state === 'placed' ? 'Held: it is not removed.' : 'Released.');
        } finally {
          await store.close();
        }
        if (config.store.kind === 's3') await inBucket(config.store, study, state === 'placed');
      }),
    );
  return change;
}

async function inBucket(config: Parameters<typeof openStore>[0] & { kind: 's3' }, study: string, on: boolean) {
  const { VersionedBucket } = await import('../../storage/policy/versioned-bucket.ts');
  const bucket = new VersionedBucket(config);
  try {
    if (await bucket.lockProblem()) return;
    console.log(
      `The store’s own legal hold was ${on ? 'set on' : 'ended for'} ${await holdInBucket(bucket, study, on)} versions.`,
    );
  } catch (error) {
    console.error(`The store’s own legal hold was not changed: ${(error as Error).message}`);
    process.exitCode = EXIT.findings;
  } finally {
    bucket.close();
  }
}

function listCommand(): Command {
  const list = new Command('list').description('studies that are held').action(
    command(async () => {
      const store = await openStore(settingsOf(list).store);
      try {
        const rows = (await heldStudies(store)).map(({ studyInstanceUID, at, by, reason }) => [
          studyInstanceUID,
          at,
          by,
          reason,
        ]);
        console.log(rows.length > 0 ? table(['STUDY', 'SINCE', 'BY', 'REASON'], rows) : 'No study is held.');
      } finally {
        await store.close();
      }
    }),
  );
  return list;
}
