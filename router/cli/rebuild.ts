import { Command } from 'commander';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type TrustedKeys, theseKeys } from '../../storage/policy/removal-record.ts';
import { trustedPems } from '../../storage/policy/trusted-keys.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { rebuildManifests } from '../../storage/rebuild-objects.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { settingsOf } from './settings.ts';
import { command, EXIT, Progress } from './terminal.ts';

export function rebuildCommand(): Command {
  const rebuildCmd = new Command('rebuild')
    .description('make the catalogue anew from the store alone')
    .option('--keep', 'add what is missing instead of emptying the catalogue first')
    .option('--from-objects', 'first write manifests for objects that no readable manifest names')
    .addHelpText(
      'after',
      `
The catalogue is a cache; nothing is lost when it is deleted. The router may run meanwhile: until the end its worklist shows
what has been read so far. Instances still in the spool are added by the router as always.
--from-objects is for a store whose manifests are lost or damaged: it reads every object, adds manifest and metadata segments
where there are none, and deletes nothing. When and how such an instance was received is then not known.

Examples:
  lifeboat rebuild
  lifeboat rebuild --keep
  lifeboat rebuild --from-objects`,
    )
    .action(
      command(async (options: { keep?: boolean; fromObjects?: boolean }) => {
        const config = settingsOf(rebuildCmd);
        const trusted = theseKeys(trustedPems(config));
        const store = await openStore(config.store);
        try {
          await store.ping();
          const unreadable = options.fromObjects ? await manifestsFromObjects(store, trusted) : 0;
          const catalogue = await openCatalogue(config.database);
          try {
            const progress = new Progress('Rebuilding', 'manifest segments');
            const result = await rebuild({
              store,
              catalogue,
              keep: options.keep,
              trusted,
              onProgress: ({ segments, ofSegments, studies, instances }) =>
                progress.update(segments, ofSegments, `${studies} studies, ${instances} instances`),
            });
            progress.end();
            for (const damage of [...result.damaged, ...result.refused]) console.error(damage.message);
            console.log(
              `Catalogue rebuilt: ${result.studies} studies, ${result.instances} instances from ${result.segments} segments` +
                `${result.damaged.length ? `; ${result.damaged.length} segments could not be read` : ''}.`,
            );
            if (result.damaged.length + result.refused.length + unreadable > 0) process.exitCode = EXIT.findings;
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

/** @returns how many objects are no instances; each was printed */
async function manifestsFromObjects(store: ObjectStore, trusted: TrustedKeys): Promise<number> {
  const progress = new Progress('Reading', 'objects');
  const { objects, added, unreadable } = await rebuildManifests({
    store,
    trusted,
    onProgress: (soFar) => progress.update(soFar.objects, undefined, `${soFar.added} added to manifests`),
  });
  progress.end();
  for (const { message } of unreadable) console.error(message);
  console.log(
    `Manifests: ${added} of ${objects} objects had no readable line and were given one` +
      `${unreadable.length ? `; ${unreadable.length} objects are no DICOM instances` : ''}.`,
  );
  return unreadable.length;
}
