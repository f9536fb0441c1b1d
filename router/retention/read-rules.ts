import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../../contract/errors.ts';
import { parseRules, type RetentionRule } from '../../storage/policy/rules.ts';
import type { Config } from '../config.ts';

/** The rules of retention; none where the default file is not there. @throws CONFIG_INVALID */
export function readRules({ retentionFile, dataDir }: Pick<Config, 'retentionFile' | 'dataDir'>): RetentionRule[] {
  const file = retentionFile ?? join(dataDir, 'retention.yaml');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (retentionFile === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new LifeboatError('CONFIG_INVALID', `LIFEBOAT_RETENTION ${file} cannot be read.`, { cause: error });
  }
  return parseRules(text, file);
}
