import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { LifeboatError } from '../../contract/errors.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { type TrustedKeys, theseKeys } from '../../storage/policy/removal-record.ts';
import { hasSealKey, trustedPems } from '../../storage/policy/trusted-keys.ts';
import { ScrubState } from '../../storage/scrub-state.ts';
import { SealAudit } from '../../storage/seal-audit.ts';
import type { KnownSeal } from '../../storage/seal-chain.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { count, verify } from '../../storage/verify.ts';
import { countOf, type Finding, type VerifySummary } from '../../storage/verify-types.ts';
import type { Config } from '../config.ts';
import { INTEGRITY_FILE } from '../integrity.ts';
import { settingsOf, withControl } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';
import { FindingsByPatient, findingLine, kindsHelp } from './verify-report.ts';

/** Whose removals count: of the key given, else of this data folder's and those that IT named; on another machine of any in the store. */
function removalKeys(config: Config, publicKey: string | undefined): { removalKeys?: TrustedKeys } {
  if (publicKey !== undefined) return { removalKeys: theseKeys([readKeyFile(publicKey)]) };
  return hasSealKey(config.dataDir) ? { removalKeys: theseKeys(trustedPems(config)) } : {};
}

interface Options {
  seals?: true;
  publicKey?: string;
  known?: KnownSeal;
  storeOnly?: true;
}

export function verifyCommand(): Command {
  const verifyCmd = new Command('verify')
    .description('prove that every image in the store is there and unchanged')
    .option('--seals', 'also compare everything with the daily seals, by their public key alone')
    .option('--public-key <file>', 'with --seals: the public key that an auditor has kept (PEM)')
    .option('--known <sequence:hash>', 'with --seals: a seal written down earlier that must still be there', knownSeal)
    .option('--store-only', 'neither catalogue nor audit trail: for a copy of the bucket on another machine')
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
  lifeboat --config /etc/lifeboat.yaml verify
  lifeboat verify --seals
  LIFEBOAT_STORE=file:/mnt/copy lifeboat verify --seals --public-key hospital.pem --store-only`,
    )
    .action(
      command(async (options: Options) => {
        const config = settingsOf(verifyCmd);
        const store = await openStore(config.store);
        let seals: SealAudit | undefined;
        try {
          await store.ping();
          if (options.seals)
            seals = await SealAudit.open({
              store,
              publicKey: options.publicKey === undefined ? undefined : readKeyFile(options.publicKey),
              known: options.known,
            });
          const catalogue = options.storeOnly ? undefined : await openCatalogue(config.database);
          try {
            const progress = new Progress('Verifying', 'studies');
            const byPatient = new FindingsByPatient();
            const found: Finding[] = [];
            const startedAt = new Date().toISOString();
            const verification = verify({
              store,
              catalogue,
              storeConfig: config.store,
              ...removalKeys(config, options.publicKey),
              also: seals && ((study) => seals!.compare(study)),
              onProgress: ({ studies, sound, bytes }) =>
                progress.update(studies, undefined, `${sound} objects, ${(bytes / 1e6).toFixed(0)} MB`),
            });
            const tell = (finding: Finding) => {
              console.error(findingLine(finding));
              byPatient.add(finding);
              found.push(finding);
            };
            for await (const finding of verification) tell(finding);
            for (const finding of [...(seals?.findings ?? []), ...(seals?.rest() ?? [])]) {
              count(verification.summary, finding);
              tell(finding);
            }
            progress.end();
            if (!options.storeOnly) remember(config, found, verification.summary, startedAt);
            const patients = byPatient.text();
            if (patients) console.log(`${patients}\n`);
            if (seals) console.log(sealsText(seals));
            const broken = options.storeOnly
              ? null
              : await withControl(verifyCmd, (control) => control.trail.firstBroken());
            if (broken !== null)
              console.error(`AUDIT row ${broken} was changed or removed behind the back of the router.`);
            const trail = options.storeOnly ? 'not asked' : broken === null ? 'whole' : 'BROKEN';
            conclude(verification.summary, `audit trail ${trail}`, broken !== null);
          } finally {
            await catalogue?.close();
          }
        } finally {
          seals?.close();
          await store.close();
        }
      }),
    );
  return verifyCmd;
}

/** Keeps what was found for the integrity page and for `lifeboat repair`. */
function remember({ dataDir }: Config, found: Finding[], summary: VerifySummary, startedAt: string): void {
  const byPath = new Map<string, Finding[]>();
  for (const finding of found) {
    const path = /^(?:objects|manifests|metadata)\/([^/]+\/[^/]+\/)/.exec(finding.key)?.[1] ?? finding.key;
    byPath.set(path, [...(byPath.get(path) ?? []), finding]);
  }
  const state = new ScrubState(join(dataDir, INTEGRITY_FILE));
  try {
    for (const [path, findings] of byPath) state.record(path, findings);
    state.passDone(summary, startedAt, 'verify');
  } finally {
    state.close();
  }
}

function knownSeal(text: string): KnownSeal {
  const [, sequence, sha256] = /^(\d{1,8}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (!sequence || !sha256)
    throw new LifeboatError('BAD_REQUEST', '--known is of the form 12:HASH, as `lifeboat seal` prints it.');
  return { sequence: Number(sequence), sha256 };
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new LifeboatError('BAD_REQUEST', `--public-key ${path} cannot be read.`, { cause: error });
  }
}

function sealsText(seals: SealAudit): string {
  const lines = seals.chains.map(({ keyId, seals: count, newest }) =>
    !keyId
      ? 'There are no seals in this store.'
      : newest
        ? `Key ${keyId}: ${count} seals, the newest of ${newest.createdAt} over ${newest.treeSize} instances (${newest.sequence}:${newest.sha256})`
        : `Key ${keyId}: no readable seal`,
  );
  return `${lines.join('\n')}\n${seals.unsealed} instances came after the newest seal.`;
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
