// `npm start`: sets up what is needed, then `lifeboat serve`. Runs on Node 20.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setup } from './setup.mjs';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
try {
  await setup();
} catch (error) {
  console.error(error.message);
  process.exit(3);
}
const args = [join(root, 'bin/lifeboat.mjs'), 'serve', ...process.argv.slice(2)];
const child = spawn(join(root, 'node_modules/node/bin/node'), args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
