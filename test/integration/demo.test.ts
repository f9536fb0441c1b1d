import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

describe('the demo', () => {
  it('pushes sample studies, loses its PACS, and leaves every acknowledged image kept', async () => {
    const child = spawn(process.execPath, ['demo/main.ts', '--exit', '--scale=0.1'], { cwd: root });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const code = await new Promise((done) => child.once('exit', done));
    expect(output).toMatch(/(\d+) images acknowledged; Lifeboat keeps \1 in 5 studies/);
    expect(output).toMatch(/Lifeboat keeps (\d+) in 5 studies\s+PACS has confirmed \1 of them/);
    expect(output).toMatch(/noticed after \d+ s/);
    expect(output).toMatch(/Sign in\s+admin \/ /);
    expect(code).toBe(0);
  }, 120_000);
});
