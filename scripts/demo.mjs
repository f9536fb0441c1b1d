// `npm run demo`: sets up what is needed, then plays the demo in demo/main.ts. Plain JavaScript: runs on Node 20.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setup } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');
await setup();
const child = spawn(join(root, 'node_modules/.bin/node'), [join(root, 'demo/main.ts'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
