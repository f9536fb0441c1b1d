import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchiveOptions, openArchive } from '../storage/archive.ts';
import type { Archive } from '../storage/archive-types.ts';
import type { Config } from './config.ts';
import { hasDestinations, openForwarding } from './forward/forwarding.ts';

/** `lifeboat import` has a spool of its own, so that it works beside a running router: one spool has one owner. */
const folderOf = (config: Config) => join(config.dataDir, 'import');

/**
 * The archive with the spool of imports; store and catalogue are the router's own. Whatever an import that was killed left
 * acknowledged in there is committed first.
 * @throws CONFIG_INVALID when another import runs
 */
export async function openImportArchive(config: Config, onProblem: ArchiveOptions['onProblem']): Promise<Archive> {
  const forwarding = hasDestinations(config) ? openForwarding(config) : undefined;
  try {
    const archive = await openArchive({
      ...config,
      dataDir: folderOf(config),
      onProblem,
      onStored: forwarding && ((entries) => forwarding.owe(entries)),
    });
    forwarding?.withStore(archive.store);
    return {
      ...archive,
      close: async () => {
        await archive.close();
        await forwarding?.closeQueue();
      },
    };
  } catch (error) {
    await forwarding?.closeQueue();
    throw error;
  }
}

/** Commits what a killed import left behind; nothing to do when there is none or another import runs now. */
export async function finishKilledImport(config: Config, onProblem: ArchiveOptions['onProblem']): Promise<void> {
  if (!existsSync(join(folderOf(config), 'spool'))) return;
  const archive = await openImportArchive(config, onProblem);
  try {
    await archive.flush();
  } finally {
    await archive.close();
  }
}
