// All the set-up there is, as little of it as needed: dependencies, the right Node, the viewer build. Runs on Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

const brotli = promisify(brotliCompress);

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const node = join(root, 'node_modules/node/bin/node');

/** What the viewer is made of; a newer file in here than the last build means a new build. */
const VIEWER_SOURCES = ['viewer', 'contract', 'storage/format', 'package-lock.json'];

/** @throws Error with one sentence when a step fails */
export async function setup({ quiet = false } = {}) {
  const say = (text) => quiet || console.log(text);
  if (!dependenciesUpToDate()) {
    say('Installing dependencies (npm ci) …');
    run(
      process.platform === 'win32' ? 'npm.cmd' : 'npm',
      ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
      'npm ci',
    );
  }
  checkNode();
  if (!viewerUpToDate()) {
    say('Building the viewer …');
    const begun = Date.now();
    run(
      node,
      [
        join(root, 'node_modules/vite/bin/vite.js'),
        'build',
        '--config',
        'viewer/vite.config.ts',
        '--logLevel',
        'error',
      ],
      'the viewer build',
    );
    await compressAssets(join(root, 'dist/viewer/assets'));
    writeFileSync(join(root, 'dist/viewer.built'), new Date(begun).toISOString());
  }
}

/** npm notes what it installed in node_modules/.package-lock.json; compare versions, not times (git sets those as it likes). */
function dependenciesUpToDate() {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  const wanted = readJson('package-lock.json')?.packages;
  if (!installed || !wanted || !existsSync(node)) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

function checkNode() {
  const wanted = readJson('package.json').dependencies.node;
  const found = readJson('node_modules/node/package.json')?.version;
  if (found !== wanted || !existsSync(node))
    throw new Error(
      `node_modules holds Node ${found ?? '(none)'} where ${wanted} is needed; delete node_modules and start again.`,
    );
}

function viewerUpToDate() {
  const index = join(root, 'dist/viewer/index.html');
  if (!existsSync(index)) return false;
  const mark = join(root, 'dist/viewer.built');
  const builtAt = existsSync(mark) ? Date.parse(readFileSync(mark, 'utf8')) : statSync(index).mtimeMs;
  return VIEWER_SOURCES.every((path) => newest(join(root, path)) <= builtAt);
}

/** The router serves `X.br` beside `X` where a browser takes it: packed once here instead of for the first visitor. */
async function compressAssets(dir) {
  const names = readdirSync(dir).filter((name) => /\.(js|css|wasm|svg|json)$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      const plain = await readFile(join(dir, name));
      if (plain.length < 1024) return;
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
      await writeFile(join(dir, `${name}.br`), await brotli(plain, { params }));
    }),
  );
}

/** Newest modification time below a path, ms. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  let latest = 0;
  for (const name of readdirSync(path))
    if (name !== 'node_modules') latest = Math.max(latest, newest(join(path, name)));
  return latest;
}

function run(command, args, what) {
  const env = { ...process.env, PATH: [join(root, 'node_modules/node/bin'), process.env.PATH].join(delimiter) };
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${what} failed${error ? `: ${error.message}` : ''}; see above.`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup();
  } catch (error) {
    console.error(error.message);
    process.exit(3);
  }
}
