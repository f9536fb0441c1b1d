// The one-way doors of the house: which room may import from which. Run by `npm run lint`.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const rooms = ['contract', 'storage/format', 'storage', 'router', 'viewer', 'test', 'phantoms', 'demo'];
const allowed = {
  contract: ['contract', 'storage/format', 'storage/catalogue/catalogue-types.ts'],
  'storage/format': ['storage/format', 'contract'],
  storage: ['storage', 'storage/format', 'contract'],
  router: ['router', 'storage', 'storage/format', 'contract'],
  viewer: ['viewer', 'storage/format', 'contract'],
  phantoms: ['phantoms', 'storage/format'],
  demo: ['demo', 'router', 'phantoms', 'storage', 'storage/format', 'contract'],
  test: rooms,
};
const roomOf = (path) =>
  rooms.filter((r) => path === r || path.startsWith(`${r}/`)).sort((a, b) => b.length - a.length)[0];
const importPattern = /(?:from\s+|import\s*\(\s*|import\s+)['"]([^'"]+)['"]/g;
const problems = [];

function* sources(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist') continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|tsx|mjs)$/.test(entry.name)) yield path;
  }
}

for (const top of ['contract', 'storage', 'router', 'viewer', 'phantoms', 'demo']) {
  let files;
  try {
    files = [...sources(join(root, top))];
  } catch {
    continue;
  }
  for (const file of files) {
    const from = relative(root, file);
    const room = roomOf(from);
    for (const [, spec] of readFileSync(file, 'utf8').matchAll(importPattern)) {
      if (room === 'storage/format' && (spec.startsWith('node:') || spec === 'fs' || spec === 'path'))
        problems.push(`${from}: storage/format runs in the browser and may not import ${spec}`);
      if (!spec.startsWith('.')) continue;
      const target = relative(root, resolve(dirname(file), spec));
      const targetRoom = roomOf(target);
      if (!targetRoom) continue;
      if (!allowed[room].includes(targetRoom) && !allowed[room].includes(target))
        problems.push(`${from}: ${room} may not import ${target}`);
      const feature = /^viewer\/src\/features\/([^/]+)\//;
      const mine = feature.exec(from)?.[1];
      const theirs = feature.exec(target)?.[1];
      if (mine && theirs && mine !== theirs) problems.push(`${from}: feature ${mine} may not import feature ${theirs}`);
      if (from.startsWith('viewer/src/shared/') && theirs)
        problems.push(`${from}: shared may not import feature ${theirs}`);
    }
  }
}
if (problems.length) {
  console.error(problems.join('\n'));
  process.exit(1);
}
