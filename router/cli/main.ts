import { Command, CommanderError } from 'commander';
import { version } from '../version.ts';
import { EXIT, EXIT_HELP, fail, outliveClosedOutput } from './terminal.ts';

/** Each command is loaded when it is asked for: a running router should not hold the code of the others. */
const commands: Record<string, () => Promise<Command>> = {
  serve: async () => (await import('./serve.ts')).serveCommand(),
  import: async () => (await import('./import.ts')).importCommand(),
  backfill: async () => (await import('./backfill.ts')).backfillCommand(),
  export: async () => (await import('./export.ts')).exportCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  repair: async () => (await import('./repair.ts')).repairCommand(),
  reconcile: async () => (await import('./reconcile.ts')).reconcileCommand(),
  replicate: async () => (await import('./replicate.ts')).replicateCommand(),
  seal: async () => (await import('./seal.ts')).sealCommand(),
  'break-glass': async () => (await import('./break-glass.ts')).breakGlassCommand(),
  drill: async () => (await import('./drill.ts')).drillCommand(),
  rebuild: async () => (await import('./rebuild.ts')).rebuildCommand(),
  index: async () => (await import('./index-command.ts')).indexCommand(),
  compact: async () => (await import('./compact.ts')).compactCommand(),
  retention: async () => (await import('./retention.ts')).retentionCommand(),
  hold: async () => (await import('./hold.ts')).holdCommand(),
  policy: async () => (await import('./policy.ts')).policyCommand(),
  'restore-versions': async () => (await import('./restore-versions.ts')).restoreVersionsCommand(),
  user: async () => (await import('./user.ts')).userCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  ae: async () => (await import('./ae.ts')).aeCommand(),
};

/** The `lifeboat` command. Sets `process.exitCode`. */
export async function main(argv: string[]): Promise<void> {
  outliveClosedOutput();
  const program = new Command('lifeboat')
    .description('Keeps an exact, provable copy of every image and shows it when the PACS cannot.')
    .version(version)
    .option('--config <file>', 'settings file; default LIFEBOAT_CONFIG or ./lifeboat.yaml')
    .addHelpText('after', EXIT_HELP)
    .showHelpAfterError('(lifeboat --help shows what there is)');
  const named = argv.slice(2).find((argument, i) => !argument.startsWith('-') && argv[i + 1] !== '--config');
  const asked = named !== undefined && Object.hasOwn(commands, named) ? [commands[named]!] : Object.values(commands);
  for (const load of asked) {
    const command = await load();
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
