import { join } from 'node:path';
import { Command } from 'commander';
import { sealArchive } from '../../storage/seal.ts';
import { loadSealKey } from '../../storage/seal-key.ts';
import { SealLedger } from '../../storage/seal-ledger.ts';
import { sealKeys } from '../../storage/seal-types.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { openReader } from '../../storage/verify-threads.ts';
import { settingsOf } from './settings.ts';
import { command } from './terminal.ts';

export function sealCommand(): Command {
  const sealCmd = new Command('seal')
    .description('seal the archive now, besides the daily seal of the router')
    .addHelpText(
      'after',
      `
Adds everything kept since the last seal to the tree, chains the new root to the seal before and signs it. The line it prints is
worth writing down elsewhere: \`lifeboat verify --seals --known SEQUENCE:HASH\` shows later that the chain still has that seal.

Examples:
  lifeboat seal`,
    )
    .action(
      command(async () => {
        const config = settingsOf(sealCmd);
        const key = loadSealKey(config.dataDir);
        const store = await openStore(config.store);
        const reader = openReader(store);
        const ledger = new SealLedger(join(config.dataDir, 'seal-ledger.sqlite'));
        try {
          const seal = await sealArchive({
            store,
            reader,
            ledger,
            key,
            onProblem: ({ message }) => console.error(message),
          });
          console.log(
            `Sealed ${seal.treeSize} instances, ${seal.added} of them new${seal.late > 0 ? ` (${seal.late} came late)` : ''}.\n` +
              `${sealKeys(seal.keyId).seal(seal.sequence)}  ${seal.sequence}:${ledger.head()!.sha256}`,
          );
          if (seal.unreadable > 0)
            console.error(`${seal.unreadable} manifest segments cannot be read: lifeboat verify`);
        } finally {
          ledger.close();
          await reader.close();
          await store.close();
        }
      }),
    );
  return sealCmd;
}
