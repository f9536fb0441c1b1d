import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { healCopy } from '../../storage/policy/heal-copy.ts';
import { trustedPems } from '../../storage/policy/trusted-keys.ts';
import { openKnownReplica } from '../../storage/replica/open-replica.ts';
import { Replicator } from '../../storage/replica/replicator.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import type { Config } from '../config.ts';
import { aboutViewer } from '../lifeboat/lifeboat-mode.ts';
import { publishViewer, VIEWER_DIR } from '../lifeboat/publish-viewer.ts';
import { replicaPaths } from '../replica.ts';
import { settingsOf } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function replicateCommand(): Command {
  const replicateCmd = new Command('replicate')
    .description('copy to the replica whatever it lacks')
    .option('--begin-anew', 'the replica is another one or was emptied: copy everything')
    .option(
      '--heal',
      'read every byte of the replica and write again what is not the same; verify the first store before',
    )
    .addHelpText(
      'after',
      `
The router does this by itself all the time where LIFEBOAT_REPLICA is set. The command compares both stores and copies what the
replica lacks, as fast as LIFEBOAT_REPLICA_MB_PER_S allows. Every object's SHA-256 is compared with its manifest on the way: what
is damaged here never replaces what is right there. Nothing is deleted. It may be stopped at any moment and run while routers run.

Examples:
  lifeboat replicate
  lifeboat verify && lifeboat replicate --heal
  LIFEBOAT_REPLICA=file:/mnt/second-copy lifeboat replicate`,
    )
    .action(
      command(async (options: { beginAnew?: true; heal?: true }) => {
        const config = settingsOf(replicateCmd);
        if (!config.replica)
          throw new LifeboatError('CONFIG_INVALID', 'LIFEBOAT_REPLICA is missing; there is nowhere to copy to.');
        if (options.heal) return heal(config.store, config.replica.store, config.dataDir);
        const { stateFile, scratchDir } = replicaPaths(config.dataDir);
        const replicator = new Replicator({
          source: config.store,
          replica: config.replica.store,
          bytesPerSecond: config.replica.bytesPerSecond,
          removalKeys: trustedPems(config),
          stateFile,
          scratchDir: `${scratchDir}-cli`,
          onProblem: ({ message }) => console.error(message),
        });
        try {
          if (options.beginAnew) replicator.beginAnew();
          const progress = new Progress('Copying', 'instances');
          const timer = setInterval(() => {
            const { copied, lag } = replicator.status();
            progress.update(copied.instances, undefined, `${lag.instances} to go`);
          }, 500);
          await replicator.level().finally(() => clearInterval(timer));
          progress.end();
          await publishTo(config, config.replica.store);
          const { copied, compared, problems, description } = replicator.status();
          console.log(
            `${copied.instances} instances copied (${(copied.bytes / 1e6).toFixed(1)} MB); ${description} was compared with ` +
              `${compared?.objects ?? 0} objects.`,
          );
          if (compared && compared.lostAtSource > 0)
            console.log(
              `${compared.lostAtSource} objects are only there: \`lifeboat verify\` tells whether they are missed.`,
            );
          for (const { key, reason } of problems.newest) console.error(`NOT COPIED ${key}: ${reason}`);
          if (problems.count > 0) process.exitCode = EXIT.findings;
        } finally {
          await replicator.close();
        }
      }),
    );
  return replicateCmd;
}

/** The viewer of lifeboat mode comes from this program's build, not from the first store. */
async function publishTo(config: Config, replica: StoreConfig): Promise<void> {
  const store = await openKnownReplica(replica);
  try {
    await publishViewer(store, VIEWER_DIR, aboutViewer(config, replica));
  } finally {
    await store.close();
  }
}

async function heal(source: StoreConfig, replica: StoreConfig, scratchDir: string): Promise<void> {
  const [from, copy] = await Promise.all([openStore(source), openKnownReplica(replica)]);
  try {
    const progress = new Progress('Reading the replica', 'objects');
    let healed = 0;
    const result = await healCopy({
      source: from,
      copy,
      scratchDir,
      onItem: (key, what) => {
        if (what === 'healed') progress.update(++healed);
        else console.error(`${what === 'source-wrong' ? 'WRONG IN THE FIRST STORE' : 'ONLY IN THE REPLICA'} ${key}`);
      },
    });
    progress.end();
    console.log(`${result.read} objects of ${copy.description} read, ${result.healed} written again.`);
    if (result.sourceWrong.length + result.onlyInCopy.length > 0) process.exitCode = EXIT.findings;
  } finally {
    await Promise.all([from.close(), copy.close()]);
  }
}
