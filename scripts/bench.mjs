// `npm run bench`: runs every module of test/bench one after another and writes bench-results/bench.json and bench.md.
// `npm run bench -- receive` runs one. Each module exports run(): rows {name, value, unit, target, ok, note?}.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const out = join(root, 'bench-results');
mkdirSync(out, { recursive: true });
const env = {
  ...process.env,
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH, '/usr/sbin'].join(delimiter),
  TCP_NODELAY: '1',
};
const modules = readdirSync(join(root, 'test/bench'))
  .filter(
    (f) =>
      f.endsWith('.ts') && /export (async )?function run\b/.test(readFileSync(join(root, 'test/bench', f), 'utf8')),
  )
  .filter((f) => wanted.length === 0 || wanted.includes(f.replace('.ts', '')))
  .sort();
const rows = [];
for (const file of modules) {
  console.log(`\n== ${file}`);
  const result = join(out, `${file}.json`);
  rmSync(result, { force: true });
  const code = `const { run } = await import(${JSON.stringify(join(root, 'test/bench', file))});
    const rows = await run();
    (await import('node:fs')).writeFileSync(${JSON.stringify(result)}, JSON.stringify(rows));
    process.exit(0);`;
  const done = spawnSync('node', ['--input-type=module', '-e', code], { cwd: root, env, stdio: 'inherit' });
  if (done.status === 0 && existsSync(result))
    rows.push(...JSON.parse(readFileSync(result, 'utf8')).map((row) => ({ bench: file, ...row })));
  else
    rows.push({
      bench: file,
      name: 'did not finish',
      value: null,
      unit: '',
      target: '',
      ok: false,
      note: `exit ${done.status}`,
    });
}
const number = (v) =>
  typeof v === 'number' ? (Math.abs(v) >= 100 ? v.toFixed(0) : v.toPrecision(3)) : String(v ?? '');
const mark = (ok) => (ok === true ? 'met' : ok === false ? '**missed**' : '');
const table = [
  '| what | measured | target | | note |',
  '| --- | --- | --- | --- | --- |',
  ...rows.map(
    (r) => `| ${r.name} | ${number(r.value)} ${r.unit ?? ''} | ${r.target ?? ''} | ${mark(r.ok)} | ${r.note ?? ''} |`,
  ),
].join('\n');
const machine = `${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
writeFileSync(join(out, 'bench.json'), JSON.stringify({ at: new Date().toISOString(), machine, rows }, null, 2));
writeFileSync(join(out, 'bench.md'), `Measured on ${machine}, ${new Date().toISOString()}\n\n${table}\n`);
console.log(`\n${table}\n\nwritten: bench-results/bench.md, bench-results/bench.json`);
process.exit(rows.some((r) => r.ok === false) ? 1 : 0);
