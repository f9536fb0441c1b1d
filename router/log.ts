import pino, { type Logger } from 'pino';
import type { Config } from './config.ts';

/** JSON lines on standard error; standard output stays for what a person asked for. Secrets never reach the log. */
export function createLog(config: Pick<Config, 'logLevel'>): Logger {
  return pino(
    {
      level: config.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['*.password', '*.secretKey', '*.authorization', '*.cookie'],
    },
    pino.destination({ dest: 2, sync: false }),
  );
}
