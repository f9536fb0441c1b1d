import { createDecipheriv, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type BreakGlassEnvelope,
  envelopeKey,
  isEnvelopeName,
  openEnvelope,
  readEnvelope,
  sealEnvelope,
} from '../../storage/format/break-glass-envelope.ts';

const credential = { accessKey: 'AKREAD', secretKey: 'secret/of+the=store' };
const password = 'kfh4t-9sj2m-x7vqp-w3znd';

describe('break-glass envelope', () => {
  const made = sealEnvelope('ward', password, credential, 600_000);

  it('gives the key to whoever knows the password, and holds neither in clear', async () => {
    const text = JSON.stringify(await made);
    expect(text).not.toContain(credential.accessKey);
    expect(text).not.toContain(credential.secretKey);
    expect(text).not.toContain(password);
    expect(await openEnvelope(readEnvelope(text), ` ${password}\n`)).toEqual(credential);
  });

  it('opens with another implementation that follows the documentation', async () => {
    const { kdf, cipher, sealed, name, formatVersion } = await made;
    const key = pbkdf2Sync(password, Buffer.from(kdf.salt, 'base64'), kdf.iterations, 32, 'sha256');
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(cipher.iv, 'base64'));
    decipher.setAAD(Buffer.from(`lifeboat break-glass envelope ${formatVersion} ${name}`));
    decipher.setAuthTag(bytes.subarray(-16));
    const opened = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString();
    expect(JSON.parse(opened)).toEqual(credential);
  });

  it('refuses a wrong password in plain words', async () => {
    await expect(openEnvelope(await made, `${password}x`)).rejects.toMatchObject({
      code: 'BAD_CREDENTIALS',
      message: 'The break-glass password is wrong.',
    });
  });

  it('does not open when anything of it was changed', async () => {
    const envelope = await made;
    const flipped = Buffer.from(envelope.sealed, 'base64');
    flipped[3]! ^= 1;
    const changed: Partial<BreakGlassEnvelope>[] = [
      { name: 'other' },
      { sealed: flipped.toString('base64') },
      { cipher: { name: 'AES-256-GCM', iv: Buffer.alloc(12).toString('base64') } },
      { kdf: { ...envelope.kdf, iterations: 600_001 } },
    ];
    for (const change of changed)
      await expect(openEnvelope({ ...envelope, ...change }, password)).rejects.toMatchObject({
        code: 'BAD_CREDENTIALS',
      });
  });

  it('is not read when it asks for too little work, or so much that the browser would stop', async () => {
    const envelope = await made;
    for (const iterations of [1000, 599_999, 2_000_000_000, 600_000.5])
      expect(() => readEnvelope(JSON.stringify({ ...envelope, kdf: { ...envelope.kdf, iterations } }))).toThrow();
    expect(() => readEnvelope(JSON.stringify({ ...envelope, formatVersion: 2 }))).toThrow(/newer/);
    expect(() => readEnvelope('{"lifeboat":"archive"}')).toThrow(/no break-glass envelope/);
    expect(() => readEnvelope('<html>')).toThrow(/damaged/);
  });

  it('is made with a salt and an initialisation vector of its own each time', async () => {
    const second = await sealEnvelope('ward', password, credential, 600_000);
    const first = await made;
    expect(second.kdf.salt).not.toBe(first.kdf.salt);
    expect(second.cipher.iv).not.toBe(first.cipher.iv);
  });

  it('lies under its name, and only under one that can be a key', () => {
    expect(envelopeKey('ward')).toBe('lifeboat/envelopes/ward.json');
    expect(['ward', 'break-glass', 'er-2'].every(isEnvelopeName)).toBe(true);
    expect(['', '../x', 'Ward', 'a/b', '-a', 'x'.repeat(64)].some(isEnvelopeName)).toBe(false);
  });
});
