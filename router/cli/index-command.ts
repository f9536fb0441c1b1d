import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { publishArchive } from '../../storage/lifeboat/archive-description.ts';
import { catchUpIndex } from '../../storage/lifeboat/catch-up-index.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { loadSealKey } from '../../storage/seal-key.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { version } from '../version.ts';
import { settingsOf } from './settings.ts';
import { command, Progress } from './terminal.ts';

export function indexCommand(): Command {
  const indexCmd = new Command('index')
    .description('bring the search index of lifeboat mode up to date with the archive')
    .option('--rebuild', 'make it anew from the manifests alone, whatever is there')
    .addHelpText(
      'after',
      `
The router does this by itself, also for archives that are older than the index; the command is for a store without a running
router, and for whoever does not trust the index. It may be stopped at any moment and run while routers run.

Examples:
  lifeboat index
  lifeboat index --rebuild`,
    )
    .action(
      command(async (options: { rebuild?: boolean }) => {
        const config = settingsOf(indexCmd);
        const store = await openStore(config.store);
        const workDir = await mkdtemp(join(config.dataDir, 'lifeboat-index-'));
        const progress = new Progress('Indexing', 'studies');
        const onProblem = ({ message }: Error) => console.error(message);
        try {
          const name = `c-${randomBytes(8).toString('hex')}`;
          const writer = await IndexWriter.open({ store, writer: name, workDir, onProblem });
          const added = await catchUpIndex({
            store,
            writer,
            onProblem,
            onProgress: (studies) => progress.update(studies),
            ...(options.rebuild && { rebuild: true }),
          });
          if (added === 0) await writer.heal();
          await publishArchive({
            store,
            heads: writer.heads,
            key: loadSealKey(config.dataDir),
            program: version,
            publishedBy: name,
          });
          progress.end();
          console.log(
            options.rebuild
              ? `The search index was made anew: ${added} studies.`
              : `The search index lacked ${added} studies and has them now.`,
          );
        } finally {
          await rm(workDir, { recursive: true, force: true });
          await store.close();
        }
      }),
    );
  return indexCmd;
}
