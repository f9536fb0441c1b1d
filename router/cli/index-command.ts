import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { buildIndex } from '../../storage/lifeboat/build-thread.ts';
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
        const workDir = await mkdtemp(join(config.dataDir, 'lifeboat-index-'));
        const progress = new Progress('Indexing', 'studies');
        const writer = `c-${randomBytes(8).toString('hex')}`;
        const rebuild = options.rebuild === true;
        try {
          const added = await buildIndex(
            { store: config.store, dataDir: config.dataDir, writer, workDir, program: version, rebuild },
            { onProblem: (message) => console.error(message), onProgress: (studies) => progress.update(studies) },
          );
          progress.end();
          console.log(
            rebuild
              ? `The search index was made anew: ${added} studies.`
              : `The search index lacked ${added} studies and has them now.`,
          );
        } finally {
          await rm(workDir, { recursive: true, force: true });
        }
      }),
    );
  return indexCmd;
}
