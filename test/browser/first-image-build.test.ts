import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const viewer = process.env['LIFEBOAT_TEST_VIEWER'] ?? resolve(import.meta.dirname, '../../dist/viewer');

describe.skipIf(!existsSync(join(viewer, 'index.html')))('the built viewer', () => {
  const html = readFileSync(join(viewer, 'index.html'), 'utf8');

  it('waits for one script before the first image, however many pages share modules with it', () => {
    expect(html.match(/<script type="module"[^>]*src=/g)).toHaveLength(1);
    expect(html).not.toMatch(/rel="modulepreload"/);
    const [, name] = /src="\.\/(assets\/[^"]+)"/.exec(html)!;
    const script = readFileSync(join(viewer, name!), 'utf8');
    expect(script).not.toMatch(/^import[{*"]/m);
  });
});
