import type { Command } from 'commander';
import { Control } from '../access/control.ts';
import { type Config, loadConfig } from '../config.ts';

/** The settings, from wherever `--config` or the environment say. */
export function settingsOf(command: Command): Config {
  return loadConfig({ file: command.optsWithGlobals<{ config?: string }>().config });
}

/** Accounts and senders may be changed while the router runs: the database allows several processes. */
export async function withControl<T>(command: Command, work: (control: Control) => Promise<T> | T): Promise<T> {
  const control = new Control(settingsOf(command));
  try {
    return await work(control);
  } finally {
    control.close();
  }
}

/** Who uses the command line, for the audit trail. */
export const operator = {
  user: `cli:${process.env['SUDO_USER'] ?? process.env['USER'] ?? process.getuid?.() ?? 'unknown'}`,
  address: 'local',
};
