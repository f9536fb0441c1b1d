import { Command, InvalidArgumentError } from 'commander';
import { compactStore } from '../../storage/compact-store.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { settingsOf } from './settings.ts';
import { command, Progress } from './terminal.ts';

interface Options {
  minSegments: number;
  quietMinutes: number;
  keepReplaced?: boolean;
}

function number(lowest: number) {
  return (value: string): number => {
    const parsed = Number(value);
    if (!Number.isFinite(parsed) || parsed < lowest) throw new InvalidArgumentError(`a number from ${lowest} on`);
    return parsed;
  };
}

export function compactCommand(): Command {
  const compactCmd = new Command('compact')
    .description('make one manifest segment out of many small ones, study by study')
    .option('--min-segments <n>', 'only studies with so many segments', number(2), 8)
    .option('--quiet-minutes <n>', 'only studies to which nothing was added for so long', number(0), 10)
    .option('--keep-replaced', 'delete nothing')
    .addHelpText(
      'after',
      `
The router does this by itself every few hours; the command is for right after a large import. A study then opens with fewer
requests to the store. Images are not touched. A segment is deleted only an hour after another one took its place, and only when
every line of it was found again there. It may be stopped at any moment and run while routers run.

Examples:
  lifeboat compact
  lifeboat compact --min-segments 2 --keep-replaced`,
    )
    .action(
      command(async (options: Options) => {
        const store = await openStore(settingsOf(compactCmd).store);
        try {
          const progress = new Progress('Compacting', 'studies');
          const result = await compactStore({
            store,
            minSegments: options.minSegments,
            quietMs: options.quietMinutes * 60_000,
            ...(options.keepReplaced && { keepReplaced: true }),
            onProgress: ({ studies, merged, written }) =>
              progress.update(studies, undefined, `${merged} segments became ${written}`),
          });
          progress.end();
          console.log(
            `${result.studies} studies with ${result.segments} segments: ${result.merged} segments became ${result.written}, ` +
              `${result.removed} replaced earlier were deleted.`,
          );
          for (const { message } of result.held) console.log(`Left where it is: ${message}`);
        } finally {
          await store.close();
        }
      }),
    );
  return compactCmd;
}
