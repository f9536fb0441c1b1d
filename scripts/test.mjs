// `npm test`: sets up what it needs, then type check, lint, viewer build, unit, integration, fault and browser tests.
// `npm test -- unit browser` runs only those; `npm run test:long` runs the long campaigns in full.
// Ends with the line `N passed, N failed, N skipped`. Plain JavaScript: runs on Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { installPeers } from './peers.mjs';
import { setup } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');
const ci = Boolean(process.env.CI);
const long = process.argv.includes('--long');
const wanted = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const results = join(root, 'test-results');
const started = Date.now();
const say = (text) => console.log(`[${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s] ${text}`);
const failures = [];
const totals = { passed: 0, failed: 0, skipped: 0 };

const env = {
  ...process.env,
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter),
  TCP_NODELAY: '1',
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/lifeboat'),
  ...(long ? { LIFEBOAT_LONG: '1' } : {}),
};

/** Runs one step with its output shown; counts it as one test. */
function step(name, command, args) {
  if (wanted.length && !wanted.includes(name)) return true;
  say(name);
  const ok = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' }).status === 0;
  totals[ok ? 'passed' : 'failed']++;
  if (!ok) failures.push(name);
  return ok;
}

/** Runs the test files of one folder and adds up their results. `workers` files at a time. */
function suite(folder, workers) {
  if (wanted.length && !wanted.includes(folder)) return;
  if (!existsSync(join(root, 'test', folder))) return;
  say(`${folder} tests`);
  const report = join(results, `${folder}.json`);
  const args = [
    'run',
    `test/${folder}/`,
    `--maxWorkers=${workers}`,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const run = spawnSync(join(root, 'node_modules/.bin/vitest'), args, { cwd: root, env, stdio: 'inherit' });
  if (!existsSync(report)) {
    totals.failed++;
    failures.push(`${folder}: no report (exit ${run.status})`);
    return;
  }
  const parsed = JSON.parse(readFileSync(report, 'utf8'));
  let failedHere = 0;
  for (const file of parsed.testResults) {
    const name = file.name.replace(`${root}/`, '');
    if (file.assertionResults.length === 0 && file.status === 'failed') {
      failedHere++;
      failures.push(`${name}: ${(file.message ?? '').split('\n')[0]}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') totals.passed++;
      else if (test.status === 'failed') {
        failedHere++;
        failures.push(`${name}: ${test.fullName}`);
      } else {
        totals.skipped++;
        const allowed = /\[long\]|\[large set\]/.test(test.fullName);
        if (ci && !allowed) {
          failedHere++;
          failures.push(`${name}: skipped in CI: ${test.fullName}`);
        } else say(`skipped: ${name}: ${test.fullName}`);
      }
    }
  }
  totals.failed += failedHere;
  if (run.status !== 0 && failedHere === 0) {
    totals.failed++;
    failures.push(`${folder}: the runner failed (exit ${run.status}), see above`);
  }
}

/** The peers' own npm packages (a foreign viewer), kept apart because they are large. */
function installPeerPackages() {
  const folder = join(root, 'test/peers');
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const upToDate = Object.entries(lock.packages).every(([path, { version, optional }]) => {
    if (path === '' || optional) return true;
    const manifest = join(folder, path, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version;
  });
  if (upToDate) return;
  say('npm ci in test/peers');
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (done.status !== 0) {
    totals.failed++;
    failures.push('npm ci in test/peers');
  }
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
try {
  await setup();
} catch (error) {
  console.error(error.message);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}
installPeerPackages();
const absent = installPeers(say);
for (const peer of absent) {
  say(`absent: ${peer.name} (${peer.packages.join(', ')}): left out: ${peer.for}`);
  if (ci) {
    totals.failed++;
    failures.push(`peer absent in CI: ${peer.name}`);
  }
}

step('typecheck', 'npm', ['run', '--silent', 'typecheck']);
step('lint', 'npm', ['run', '--silent', 'lint']);
suite('unit', 2);
suite('property', 2);
// most of these wait for peers, so more of them than cores
suite('integration', 3);
suite('faults', 2);
suite('browser', 1);

if (failures.length) console.log(`\nfailed:\n${failures.map((f) => `  - ${f}`).join('\n')}`);
say('done');
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 ? 1 : 0);
