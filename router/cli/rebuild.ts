import { Command } from 'commander';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { settingsOf } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function rebuildCommand(): Command {
  const rebuildCmd = new Command('rebuild')
    .description('make the catalogue anew from the store alone')
    .option('--keep', 'add what is missing instead of emptying the catalogue first')
    .addHelpText(
      'after',
      `
The catalogue is a cache; nothing is lost when it is deleted. The router may run meanwhile: until the end its worklist shows
what has been read so far. Instances still in the spool are added by the router as always.

Examples:
  lifeboat rebuild
  lifeboat rebuild --keep`,
    )
    .action(
      command(async (options: { keep?: boolean }) => {
        const config = settingsOf(rebuildCmd);
        const store = await openStore(config.store);
        try {
          await store.ping();
          const catalogue = await openCatalogue(config.database);
          try {
            const progress = new Progress('Rebuilding', 'manifest segments');
            const result = await rebuild({
              store,
              catalogue,
              keep: options.keep,
              onProgress: ({ segments, ofSegments, studies, instances }) =>
                progress.update(segments, ofSegments, `${studies} studies, ${instances} instances`),
            });
            progress.end();
            for (const damage of result.damaged) console.error(damage.message);
            console.log(
              `Catalogue rebuilt: ${result.studies} studies, ${result.instances} instances from ${result.segments} segments` +
                `${result.damaged.length ? `; ${result.damaged.length} segments could not be read` : ''}.`,
            );
            if (result.damaged.length) process.exitCode = EXIT.findings;
          } finally {
            await catalogue.close();
          }
        } finally {
          await store.close();
        }
      }),
    );
  return rebuildCmd;
}
