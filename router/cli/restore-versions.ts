import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { GuardState } from '../../storage/policy/guard-state.ts';
import { theseKeys } from '../../storage/policy/removal-record.ts';
import { recordsBelow, removedBy } from '../../storage/policy/removed.ts';
import { restoreVersions } from '../../storage/policy/restore-versions.ts';
import { trustedPems } from '../../storage/policy/trusted-keys.ts';
import { VersionedBucket } from '../../storage/policy/versioned-bucket.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { GUARD_FILE } from '../retention/guard-file.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function restoreVersionsCommand(): Command {
  const restore = new Command('restore-versions')
    .description('bring back what was deleted or overwritten in a bucket that keeps versions')
    .option(
      '--at <time>',
      'as everything was then, e.g. 2026-03-04T05:06:07Z; default: the right version of everything',
    )
    .option('--dry-run', 'say what would be brought back and write nothing')
    .option('--replica', 'in LIFEBOAT_REPLICA instead of LIFEBOAT_STORE')
    .addHelpText(
      'after',
      `
After an attack: take the stolen key away from the store first, then run this with a new one (LIFEBOAT_S3_ACCESS_KEY), then
\`lifeboat verify\`, then restart the router, which publishes viewer and index anew. An image is right when its bytes have the hash in
its key; of manifests and seals the first version written is right, or with --at the one of that time. Nothing is deleted, and it may
be stopped and run again.

Examples:
  lifeboat restore-versions --dry-run
  lifeboat restore-versions --at 2026-03-04T02:00:00Z`,
    )
    .action(
      command(async (options: { at?: string; dryRun?: true; replica?: true }) => {
        const config = settingsOf(restore);
        const target = options.replica ? config.replica?.store : config.store;
        if (!target) throw new LifeboatError('CONFIG_INVALID', 'LIFEBOAT_REPLICA is missing.');
        if (target.kind !== 's3')
          throw new LifeboatError(
            'BAD_REQUEST',
            'A folder keeps no versions. Repair it from the other store: `lifeboat repair`, or a snapshot of its disk.',
          );
        const atMs = options.at === undefined ? undefined : Date.parse(options.at);
        if (Number.isNaN(atMs)) throw new LifeboatError('BAD_REQUEST', `--at ${options.at} is no time.`);
        const store = await openStore(target);
        const bucket = new VersionedBucket(target);
        mkdirSync(config.dataDir, { recursive: true });
        try {
          if (!(await bucket.isVersioned()))
            throw new LifeboatError('BAD_REQUEST', `The bucket ${target.bucket} keeps no versions.`);
          const progress = new Progress(options.dryRun ? 'Looking' : 'Bringing back', 'objects');
          let count = 0;
          // what was removed by a rule, with a signature that counts here, stays away
          const trusted = theseKeys(trustedPems(config));
          const removed = await removedBy(store, await recordsBelow(store), trusted);
          const result = await restoreVersions({
            store,
            bucket,
            scratchDir: config.dataDir,
            isRemoved: (key) => removed.keys.has(key),
            ...(atMs !== undefined && { atMs }),
            ...(options.dryRun && { dryRun: true }),
            onItem: ({ key, outcome, was, detail }) => {
              progress.update(++count);
              if (outcome === 'lost') console.error(`LOST ${key}: ${was}; ${detail}`);
              else if (options.dryRun) console.log(`${was.toUpperCase()} ${key}: ${detail} would be brought back`);
            },
          });
          progress.end();
          const what = `${result.restored} ${options.dryRun ? 'would be brought back' : 'brought back'} (${(result.bytes / 1e6).toFixed(1)} MB)`;
          console.log(`${result.examined} keys with more than one version: ${what}, ${result.lost.length} lost.`);
          if (!options.dryRun) {
            const guard = new GuardState(join(config.dataDir, GUARD_FILE));
            guard.forgetLooks();
            guard.close();
            await withControl(restore, (control) =>
              control.audit({
                ...operator,
                action: 'restore-versions',
                object: target.bucket,
                detail: `${what}, ${result.lost.length} lost`,
                outcome: result.lost.length > 0 ? 'error' : 'ok',
              }),
            );
          }
          if (result.lost.length > 0) process.exitCode = EXIT.findings;
        } finally {
          bucket.close();
          await store.close();
        }
      }),
    );
  return restore;
}
