import { join } from 'node:path';
import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import type { PlannedRemoval } from '../../contract/retention.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { applyRemovals } from '../../storage/policy/apply-removals.ts';
import { GuardState } from '../../storage/policy/guard-state.ts';
import { planRemovals } from '../../storage/policy/plan.ts';
import { theseKeys } from '../../storage/policy/removal-record.ts';
import { removeStudy } from '../../storage/policy/remove-study.ts';
import { sweepRemoved } from '../../storage/policy/sweep.ts';
import { trustedPems } from '../../storage/policy/trusted-keys.ts';
import { loadSealKey } from '../../storage/seal-key.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import { ProofQueue } from '../commitment/proof-queue.ts';
import type { Config } from '../config.ts';
import { confirmedBy } from '../retention/confirmed.ts';
import { GUARD_FILE } from '../retention/guard-file.ts';
import { readRules } from '../retention/read-rules.ts';
import { operator, settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function retentionCommand(): Command {
  const retention = new Command('retention').description(
    'remove what the rules of LIFEBOAT_RETENTION let go, and show it before',
  );
  retention.addCommand(planCommand()).addCommand(applyCommand()).addCommand(sweepCommand());
  return retention;
}

function planCommand(): Command {
  const plan = new Command('plan')
    .description('say what would be removed and what is kept back; changes nothing')
    .addHelpText('after', '\nExample:\n  lifeboat retention plan')
    .action(
      command(async () => {
        const config = settingsOf(plan);
        await eachPlanned(config, async (one) => console.log(lineOf(one)));
      }),
    );
  return plan;
}

function applyCommand(): Command {
  const apply = new Command('apply')
    .description('remove what `lifeboat retention plan` shows; its bytes go with `lifeboat retention sweep`')
    .option('--yes', 'without it nothing is removed')
    .addHelpText(
      'after',
      `
A removed study leaves a signed record; it is gone for readers at once. Runs while routers run, with LIFEBOAT_DATA of one of them.

Example:
  lifeboat retention plan && lifeboat retention apply --yes`,
    )
    .action(
      command(async (options: { yes?: true }) => {
        const config = settingsOf(apply);
        if (!options.yes)
          throw new LifeboatError('BAD_REQUEST', 'Nothing was removed: say --yes, after `lifeboat retention plan`.');
        refuseWhileAlarmed(config);
        const key = loadSealKey(config.dataDir);
        const store = await openStore(config.store);
        const catalogue = await openCatalogue(config.database);
        const proofs = new ProofQueue(config.dataDir);
        let failed = 0;
        try {
          await eachPlanned(config, async (one) => {
            if (!one.goes) return;
            const { studyInstanceUID, rule, because } = one;
            const confirmed = confirmedBy(proofs).confirmedByPacs(studyInstanceUID);
            try {
              const removed = await removeStudy(store, key, studyInstanceUID, {
                by: operator.user,
                rule,
                because,
                confirmed,
              });
              if (!removed) return;
              if (!(await applyRemovals(store, catalogue, studyInstanceUID, [], theseKeys(trustedPems(config)))))
                console.error(`The catalogue still shows ${studyInstanceUID}: the router takes it out by itself.`);
              await audited(
                apply,
                studyInstanceUID,
                `${removed.instances} images removed by the rule "${rule}": ${because}`,
              );
              console.log(`REMOVED ${lineOf(one)}`);
            } catch (error) {
              failed++;
              console.error(`NOT REMOVED ${studyInstanceUID}: ${(error as Error).message}`);
            }
          });
        } finally {
          proofs.close();
          await catalogue.close();
          await store.close();
        }
        console.log('Their bytes go with `lifeboat retention sweep`, an hour from now at the earliest.');
        if (failed > 0) process.exitCode = EXIT.findings;
      }),
    );
  return apply;
}

function sweepCommand(): Command {
  const sweep = new Command('sweep')
    .description('delete the bytes of what was removed an hour ago or more; needs a key that may delete')
    .option('--replica', 'in LIFEBOAT_REPLICA, which by itself never deletes')
    .option('--grace-minutes <minutes>', 'so long readers may still hold an older list', '60')
    .addHelpText('after', '\nExamples:\n  lifeboat retention sweep\n  lifeboat retention sweep --replica')
    .action(
      command(async (options: { replica?: true; graceMinutes: string }) => {
        const config = settingsOf(sweep);
        refuseWhileAlarmed(config);
        const target = options.replica ? config.replica?.store : config.store;
        if (!target) throw new LifeboatError('CONFIG_INVALID', 'LIFEBOAT_REPLICA is missing.');
        const graceMs = Number(options.graceMinutes) * 60_000;
        if (!(graceMs >= 0)) throw new LifeboatError('BAD_REQUEST', '--grace-minutes is no number.');
        await sweepStore(sweep, config, target, graceMs);
      }),
    );
  return sweep;
}

async function sweepStore(from: Command, config: Config, target: StoreConfig, graceMs: number): Promise<void> {
  const store = await openStore(target);
  const bucket = await versionedBucket(target);
  try {
    const progress = new Progress('Sweeping', 'removed studies');
    let count = 0;
    const result = await sweepRemoved({
      store,
      graceMs,
      trusted: theseKeys(trustedPems(config)),
      ...(bucket && { bucket }),
      onRecord: () => progress.update(++count),
    });
    progress.end();
    const what = `${result.objects} objects (${(result.bytes / 1e6).toFixed(1)} MB) and ${result.segments} manifest segments deleted`;
    console.log(`${result.records} removals looked at: ${what}, ${result.locked} still locked by the store.`);
    for (const { key, reason } of result.skipped) console.error(`SKIPPED ${key}: ${reason}`);
    if (result.objects > 0) await audited(from, store.description, what);
    if (result.skipped.length > 0) process.exitCode = EXIT.findings;
  } finally {
    bucket?.close();
    await store.close();
  }
}

async function versionedBucket(target: StoreConfig) {
  if (target.kind !== 's3') return undefined;
  const { VersionedBucket } = await import('../../storage/policy/versioned-bucket.ts');
  const bucket = new VersionedBucket(target);
  if (await bucket.isVersioned()) return bucket;
  bucket.close();
  return undefined;
}

async function eachPlanned(config: Config, take: (one: PlannedRemoval) => Promise<void>): Promise<void> {
  const rules = readRules(config);
  if (rules.length === 0) {
    console.log('There are no rules (LIFEBOAT_RETENTION): nothing is ever removed.');
    return;
  }
  const store = await openStore(config.store);
  const proofs = new ProofQueue(config.dataDir);
  const goes = { studies: 0, instances: 0, bytes: 0 };
  const kept = { studies: 0, instances: 0, bytes: 0 };
  try {
    const progress = new Progress('Looking', 'studies');
    const pacs = confirmedBy(proofs);
    for await (const one of planRemovals({ store, rules, pacs, onProgress: (n) => progress.update(n) })) {
      const sum = one.goes ? goes : kept;
      sum.studies++;
      sum.instances += one.instances;
      sum.bytes += one.bytes;
      await take(one);
    }
    progress.end();
  } finally {
    proofs.close();
    await store.close();
  }
  const text = ({ studies, instances, bytes }: typeof goes) =>
    `${studies} studies, ${instances} images, ${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`By the rules ${text(goes)} go; ${text(kept)} are kept back.`);
}

function lineOf({ goes, rule, studyInstanceUID, patientID, studyDate, instances, because }: PlannedRemoval): string {
  return `${goes ? 'GOES' : 'KEPT'} ${studyInstanceUID} of ${patientID || '?'}, ${studyDate || 'no date'}, ${instances} images, rule "${rule}": ${because}`;
}

/** Nothing is removed while images vanish and nobody has looked into it. */
function refuseWhileAlarmed({ dataDir }: Config): void {
  const guard = new GuardState(join(dataDir, GUARD_FILE));
  try {
    const open = guard.openAlert();
    if (open) throw new LifeboatError('CONFLICT', `Nothing is removed while this alarm is open: ${open.text}`);
  } finally {
    guard.close();
  }
}

async function audited(from: Command, object: string, detail: string): Promise<void> {
  await withControl(from, (control) =>
    control.audit({ ...operator, action: 'retention', object, detail: detail.slice(0, 500), outcome: 'ok' }),
  );
}
