import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../router/access/access-types.ts';
import { AuditDigest } from '../../router/access/audit-digest.ts';

let now: number;
let rows: AuditEvent[];
let digest: AuditDigest;
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  rows = [];
  digest = new AuditDigest(
    (row) => rows.push(row),
    () => now,
  );
});
afterEach(() => digest.close());

const view: AuditEvent = { user: 'eva', address: '10.0.0.7', action: 'view', object: '1.2.3', outcome: 'ok' };
const search = (detail: string): AuditEvent => ({ ...view, action: 'query', object: 'worklist', detail });

describe('what signed-in people do', () => {
  it('keeps every search, and repeats of one as a count', () => {
    for (const words of ['search=Ivanov', 'search=Ivanova', 'search=Ivanov', 'search=Ivanov'])
      digest.note(search(words));
    expect(rows.map((row) => row.detail)).toEqual(['search=Ivanov', 'search=Ivanova']);
    digest.close();
    expect(rows[2]!.detail).toMatch(/^2 more of the same, .*search=Ivanov$/);
    expect(rows).toHaveLength(3);
  });

  it('sums up the bytes that left', () => {
    for (let i = 0; i < 4; i++) digest.note({ ...view, action: 'export', detail: 'GET /studies', sentBytes: 1000 + i });
    digest.close();
    expect(rows.map((row) => row.detail)).toEqual([
      'GET /studies, 1000 bytes sent',
      expect.stringMatching(/^3 more of the same, .*; GET \/studies, 3006 bytes sent$/),
    ]);
  });
});

describe('what strangers do', () => {
  const refused = (n: number, address = '203.0.113.9'): AuditEvent => ({
    user: `name-${n}`,
    address,
    action: 'login-refused',
    object: `name-${n}`,
    detail: n % 2 ? 'wrong password' : 'unknown user',
    outcome: 'refused',
  });

  it('is written whole until it becomes too much, then counted, with names and kinds', () => {
    for (let i = 0; i < 1000; i++) digest.noteStranger(refused(i));
    expect(rows).toHaveLength(20);
    now += 5 * 60_000;
    digest.noteStranger(refused(1000));
    expect(rows).toHaveLength(22);
    expect(rows[20]).toMatchObject({ user: 'nobody', address: '203.0.113.9', action: 'refusal', outcome: 'refused' });
    expect(rows[20]!.detail).toContain('980 more refusals');
    expect(rows[20]!.detail).toContain('490 login-refused: wrong password');
    expect(rows[20]!.detail).toContain('name-20, name-21');
    expect(rows[20]!.detail).toContain('and others');
    expect(rows[20]!.detail!.length).toBeLessThan(1000);
  });

  it('does not keep another address from being written, until all together are too many', () => {
    for (let i = 0; i < 30; i++) digest.noteStranger(refused(i));
    expect(digest.noteStranger(refused(1, '10.0.0.1'))).toBe(true);
    for (let i = 0; i < 20_000; i++) digest.noteStranger(refused(i, `198.51.${i >> 8}.${i & 255}`));
    expect(rows).toHaveLength(100);
    digest.close();
    expect(rows.length).toBeLessThanOrEqual(151);
    const counted = rows.slice(100).map((row) => Number(/^\d+/.exec(row.detail!)![0]));
    expect(counted.reduce((sum, n) => sum + n, 0)).toBe(20_031 - 100);
  });
});
