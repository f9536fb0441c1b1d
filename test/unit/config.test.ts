import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../router/config.ts';
import { SETTINGS, settingSchemas } from '../../router/settings.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lifeboat-config-'));
});
afterAll(() => rm(cwd, { recursive: true }));

const withEnv = (env: Record<string, string>) => () => loadConfig({ env, cwd });

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(loadConfig({ env: {}, cwd })).toMatchObject({
      dataDir: join(cwd, 'data'),
      httpPort: 8080,
      dicomPort: 11112,
      aeTitle: 'LIFEBOAT',
      store: { kind: 'file', dir: join(cwd, 'data/store') },
      database: { kind: 'sqlite', file: join(cwd, 'data/catalogue.sqlite') },
      acceptAE: [],
    });
  });

  it('are all in the table of the README, with their defaults', async () => {
    const rows = new Map<string, string>();
    for (const line of (await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')).split('\n')) {
      const [, names, fallback] = line.split(' | ').length === 3 ? line.split(/^\| | \| /) : [];
      for (const [name] of names?.matchAll(/LIFEBOAT_[A-Z0-9_]+/g) ?? []) rows.set(name, fallback!.replaceAll('`', ''));
    }
    for (const name of SETTINGS) {
      expect(rows.has(name), name).toBe(true);
      const value = settingSchemas[name].safeParse(undefined).data;
      if (['string', 'number', 'boolean'].includes(typeof value)) expect(rows.get(name), name).toBe(String(value));
    }
  });

  it.each([
    [{ LIFEBOAT_HTTP_PORT: '70000' }, 'LIFEBOAT_HTTP_PORT "70000" (in the environment) is outside 0 to 65535.'],
    [{ LIFEBOAT_DICOM_PORT: 'dicom' }, 'LIFEBOAT_DICOM_PORT "dicom" (in the environment) is not a whole number.'],
    [{ LIFEBOAT_AE_TITLE: 'MUCH-TOO-LONG-TITLE' }, 'longer than the 16 characters'],
    [{ LIFEBOAT_STORE: 'ftp://x' }, 'LIFEBOAT_STORE "ftp://x" (in the environment) is neither file:'],
    [{ LIFEBOAT_STORE: 's3://Bad_Bucket' }, 'names no valid bucket'],
    [{ LIFEBOAT_STORE: 's3://images' }, 'LIFEBOAT_S3_ENDPOINT is missing'],
    [
      { LIFEBOAT_DATABASE_URL: 'mysql://u:secret@h/d' },
      'LIFEBOAT_DATABASE_URL (in the environment) is neither postgres',
    ],
    [
      { LIFEBOAT_ADMIN_PASSWORD: 'short' },
      'LIFEBOAT_ADMIN_PASSWORD (in the environment) has fewer than 10 characters.',
    ],
    [{ LIFEBOAT_ACCEPT_AE: 'CT1,SEVENTEEN-LETTERS' }, 'LIFEBOAT_ACCEPT_AE'],
    [{ LIFEBOAT_PACS: 'pacs:104' }, 'not of the form AETITLE@host:port'],
    [{ LIFEBOAT_TLS_CERT: 'cert.pem' }, 'LIFEBOAT_TLS_KEY is missing'],
    [{ LIFEBOAT_DEMO: 'perhaps' }, 'is neither true nor false'],
    [
      { LIFEBOAT_AE_TITEL: 'X' },
      'LIFEBOAT_AE_TITEL (in the environment) is not a setting of Lifeboat; did you mean LIFEBOAT_AE_TITLE?',
    ],
  ])('%j stops the start with one sentence that names it', (env, sentence) => {
    expect(withEnv(env as Record<string, string>)).toThrow(sentence);
    expect(withEnv(env as Record<string, string>)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(withEnv(env as Record<string, string>)).not.toThrow('secret');
  });

  it('come from lifeboat.yaml too, paths relative to it, and the environment wins', async () => {
    const file = join(cwd, 'other.yaml');
    await writeFile(
      file,
      'LIFEBOAT_HTTP_PORT: 9000\nLIFEBOAT_DATA: images\nLIFEBOAT_ACCEPT_AE: [CT1, MR1]\nLIFEBOAT_DEMO: true\n',
    );
    const config = loadConfig({ env: { LIFEBOAT_HTTP_PORT: '9001', LIFEBOAT_CONFIG: file }, cwd: '/' });
    expect(config).toMatchObject({
      httpPort: 9001,
      dataDir: join(cwd, 'images'),
      acceptAE: ['CT1', 'MR1'],
      demo: true,
    });
  });

  it('that are wrong in the file are named with the file', async () => {
    const file = join(cwd, 'lifeboat.yaml');
    await writeFile(file, 'HTTP_PORT: 9000\n');
    expect(withEnv({})).toThrow(
      `HTTP_PORT (in ${file}) is not a setting of Lifeboat; did you mean LIFEBOAT_HTTP_PORT?`,
    );
    await writeFile(file, 'LIFEBOAT_HTTP_PORT: [\n');
    expect(withEnv({})).toThrow(`${file} is not valid YAML`);
    await writeFile(file, '');
    expect(withEnv({})).not.toThrow();
    expect(withEnv({ LIFEBOAT_CONFIG: 'absent.yaml' })).toThrow('absent.yaml cannot be read');
  });
});
