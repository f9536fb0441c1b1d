import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../../router/config.ts';

const read = (name: string) => readFileSync(resolve(import.meta.dirname, '../..', name), 'utf8');
const service = z.strictObject({
  build: z.string().optional(),
  image: z.string().regex(/:[\w.-]+$/, 'is not pinned by a tag'),
  restart: z.literal('unless-stopped'),
  init: z.boolean().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.string().regex(/^\d+:\d+$/)).optional(),
  volumes: z.array(z.string()),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string() })).optional(),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()).min(2),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
      start_period: z.string().optional(),
    })
    .optional(),
  stop_grace_period: z.string().optional(),
});
const compose = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

/** `${NAME}`, `${NAME:-default}`, `${NAME:?message}` as compose fills them in. */
function filled(text: string, env: Record<string, string>): string {
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, mark?: string, rest?: string) => {
    const value = env[name] || (mark === '-' ? rest : undefined);
    if (value === undefined) throw new Error(`${name} is needed: ${rest}`);
    return value;
  });
}

describe('docker-compose.yml', () => {
  const document = parseDocument(read('docker-compose.yml'));
  const file = compose.parse(document.toJS());

  it('is valid YAML with pinned images, named volumes, and a health check for every service', () => {
    expect(document.errors).toEqual([]);
    for (const [name, one] of Object.entries(file.services)) {
      expect(one.image, name).not.toMatch(/:latest$/);
      for (const volume of one.volumes) expect(Object.keys(file.volumes)).toContain(volume.split(':')[0]);
      const checked = one.healthcheck !== undefined || (one.build && read('Dockerfile').includes('HEALTHCHECK'));
      expect(checked, `${name} has a health check`).toBeTruthy();
      for (const needed of Object.keys(one.depends_on ?? {})) expect(Object.keys(file.services)).toContain(needed);
    }
  });

  it('gives the router settings that it accepts, and asks for secrets instead of bringing some', () => {
    const { environment } = file.services['lifeboat']!;
    const secrets = { LIFEBOAT_S3_SECRET_KEY: 'a secret key', LIFEBOAT_DB_PASSWORD: 'password' };
    const env = Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, filled(text, secrets)]));
    const config = loadConfig({ env, cwd: '/nowhere' });
    expect(config.store).toMatchObject({ kind: 's3', bucket: 'lifeboat', endpoint: 'http://s3:8333' });
    expect(config.database.kind).toBe('postgres');
    expect(() => filled(environment['LIFEBOAT_S3_SECRET_KEY']!, {})).toThrow('choose a secret key');
    expect(() => filled(environment['LIFEBOAT_DATABASE_URL']!, {})).toThrow('choose a password');
  });

  it('opens the same ports as the image names', () => {
    const exposed = /^EXPOSE (.+)$/m.exec(read('Dockerfile'))![1]!.split(' ');
    expect(file.services['lifeboat']!.ports!.map((port) => port.split(':')[1])).toEqual(exposed);
  });
});
