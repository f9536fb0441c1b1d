import { rm } from 'node:fs/promises';
import { LifeboatError } from '../contract/errors.ts';
import type { InstanceEntry } from '../storage/format/manifest.ts';
import type { Reception } from '../storage/receive-types.ts';
import { dataSetSha256Of, filesSource, type RepairSource } from '../storage/repair-sources.ts';
import { authorization, dimseSource } from './backfill/pacs-source.ts';
import { wadoFetch } from './backfill/wado-fetch.ts';
import type { Config } from './config.ts';
import type { Forwarding } from './forward/forwarding.ts';
import { FileTaker, type RepairIntake } from './repair-intake.ts';

/** One image is waited for so long. */
const PATIENCE_MS = 120_000;

/**
 * Makes the object that is to be repaired from a file that a PACS gave: taken only when its data set is the recorded one.
 * @throws NOT_FOUND with the reason when the PACS has something else
 */
async function takeFile(file: string, entry: InstanceEntry, target: string): Promise<boolean> {
  if (await filesSource(file).fetch(entry, target)) return true;
  const same = (await dataSetSha256Of(file)) === entry.dataSetSha256;
  throw new LifeboatError(
    'NOT_FOUND',
    same
      ? 'the PACS has this image, but the file header that stood before it here came from its sender and cannot be made again'
      : 'the PACS has another content under this UID',
  );
}

/** Takes the Part 10 file as the PACS gives it; what it is worth is judged afterwards. */
function fileReception(path: string, entry: InstanceEntry): Reception {
  const file = new FileTaker(path);
  return {
    write: (chunk) => file.write(chunk),
    finish: async () => {
      await file.close();
      return entry;
    },
    abort: () => file.abandon(),
  };
}

/** The PACS by WADO-RS (LIFEBOAT_PACS_DICOMWEB); undefined when it is not configured. */
export function pacsWebSource({ pacsWeb }: Pick<Config, 'pacsWeb'>): RepairSource | undefined {
  if (!pacsWeb) return undefined;
  const peer = { url: pacsWeb.url, headers: () => authorization(pacsWeb.tokenFile) };
  return {
    description: `the PACS at ${pacsWeb.url} (WADO-RS)`,
    async fetch(entry, target) {
      const file = `${target}.from-pacs`;
      const receiver = { beginFile: () => fileReception(file, entry) };
      const into = { receiver, source: { via: 'import' as const } };
      try {
        await wadoFetch(peer, entry.studyInstanceUID, [entry], into, AbortSignal.timeout(PATIENCE_MS));
        return await takeFile(file, entry, target);
      } catch (error) {
        if (error instanceof LifeboatError && /status (404|410)\b/.test(error.message)) return false;
        throw error;
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}

/** The PACS by C-MOVE to ourselves (LIFEBOAT_PACS), which must know our AE title and port; only in the running router. */
export function pacsMoveSource(
  config: Pick<Config, 'pacs' | 'aeTitle'>,
  forwarding: Forwarding,
  intake: RepairIntake,
): RepairSource | undefined {
  const { pacs } = config;
  const source = dimseSource(config, forwarding);
  if (!pacs || !source) return undefined;
  return {
    description: `the PACS ${pacs.aeTitle}@${pacs.host}:${pacs.port} (C-MOVE)`,
    async fetch(entry, target) {
      const file = `${target}.from-pacs`;
      const signal = AbortSignal.timeout(PATIENCE_MS);
      try {
        const came = await intake.take(entry, pacs.aeTitle, file, () =>
          source.remote.fetch(entry.studyInstanceUID, [entry], signal),
        );
        if (came === 'not') return false;
        if (came === 'other') throw new LifeboatError('NOT_FOUND', 'the PACS has another content under this UID');
        return await takeFile(file, entry, target);
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}
