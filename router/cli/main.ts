import { Command, CommanderError } from 'commander';
import { version } from '../version.ts';
import { aeCommand } from './ae.ts';
import { breakGlassCommand } from './break-glass.ts';
import { compactCommand } from './compact.ts';
import { drillCommand } from './drill.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { indexCommand } from './index-command.ts';
import { rebuildCommand } from './rebuild.ts';
import { repairCommand } from './repair.ts';
import { replicateCommand } from './replicate.ts';
import { sealCommand } from './seal.ts';
import { serveCommand } from './serve.ts';
import { EXIT, EXIT_HELP, fail, outliveClosedOutput } from './terminal.ts';
import { tokenCommand } from './token.ts';
import { userCommand } from './user.ts';
import { verifyCommand } from './verify.ts';

/** The `lifeboat` command. Sets `process.exitCode`. */
export async function main(argv: string[]): Promise<void> {
  outliveClosedOutput();
  const program = new Command('lifeboat')
    .description('Keeps an exact, provable copy of every image and shows it when the PACS cannot.')
    .version(version)
    .option('--config <file>', 'settings file; default LIFEBOAT_CONFIG or ./lifeboat.yaml')
    .addHelpText('after', EXIT_HELP)
    .showHelpAfterError('(lifeboat --help shows what there is)');
  const commands = [
    serveCommand(),
    importCommand(),
    exportCommand(),
    verifyCommand(),
    repairCommand(),
    replicateCommand(),
    sealCommand(),
    breakGlassCommand(),
    drillCommand(),
    rebuildCommand(),
    indexCommand(),
    compactCommand(),
    userCommand(),
    tokenCommand(),
    aeCommand(),
  ];
  for (const command of commands) {
    command.addHelpText('after', EXIT_HELP);
    program.addCommand(command);
  }
  exitOverride(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else fail(error);
  }
}

/** Commander throws instead of ending the process, in every command. */
function exitOverride(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) exitOverride(child);
}
