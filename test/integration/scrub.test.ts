import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { Scrub, type ScrubOptions } from '../../storage/scrub.ts';
import { ByteRate } from '../../storage/scrub-rate.ts';
import { ScrubState } from '../../storage/scrub-state.ts';
import { type ArchiveFolder, archiveFolder, receive, slice } from '../support/archive.ts';

const STUDIES = Array.from({ length: 12 }, (_, i) => `1.2.3.${100 + i}`);

let folder: ArchiveFolder;
let archive: Archive;
let state: ScrubState;
let running: Scrub[];
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  for (const study of STUDIES) for (const image of [1, 2]) await receive(archive, slice(image, image, study));
  await archive.flush();
  state = new ScrubState(join(folder.dir, 'integrity.sqlite'));
  running = [];
});
afterEach(async () => {
  for (const scrub of running) await scrub.close();
  state.close();
  await archive.close();
  folder.remove();
});

function scrub(options: Partial<ScrubOptions> = {}): Scrub {
  const made = new Scrub({
    store: archive.store,
    catalogue: archive.catalogue,
    state,
    bytesPerSecond: 1e9,
    everyMs: 86_400_000,
    busy: () => undefined,
    strayAgeMs: 0,
    idleMs: 20,
    onProblem: () => undefined,
    ...options,
  });
  running.push(made);
  made.start();
  return made;
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !what(); i++) await sleep(10);
  expect(what()).toBe(true);
}

/** The store, noting whose manifests are asked for. */
function watched(asked: string[]): ObjectStore {
  return new Proxy(archive.store, {
    getPrototypeOf: () => Object.prototype,
    get: (target, name) => {
      if (name === 'stream')
        return (key: string) => {
          asked.push(key);
          return target.stream(key);
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function flip(study: string): Promise<string> {
  const { key } = (await archive.entries(study))[0]!;
  const path = join(folder.dir, 'store', key);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  rmSync(path);
  writeFileSync(path, bytes);
  return key;
}

test('a pass reads everything once, is written down, and the next is due only after its time', async () => {
  const asked: string[] = [];
  const made = scrub({ store: watched(asked) });
  await until(() => state.lastPass() !== null);
  expect(state.lastPass()).toMatchObject({ by: 'scrub', studies: 12, sound: 24, errors: 0, notChecked: 0 });
  expect(state.lastPass({ clean: true })).not.toBeNull();
  expect(new Set(asked).size).toBe(24);
  await sleep(100);
  expect(asked).toHaveLength(24);
  expect(made.status()).toMatchObject({ state: 'waiting' });
  const today = new Date().toISOString().slice(0, 10);
  expect(state.growth()).toMatchObject([{ day: today, instances: 24 }]);
});

test('what it finds is told by patient, stays open until it is found right again, and the pass is not clean', async () => {
  const key = await flip(STUDIES[3]!);
  const told: string[] = [];
  const made = scrub({ onFindings: (findings) => told.push(...findings.map(({ kind }) => kind)) });
  await until(() => state.lastPass() !== null);
  expect(told).toEqual(['flipped']);
  expect(state.findings()).toMatchObject([{ kind: 'flipped', key, patientID: 'P1', patientName: 'Doe^Jane' }]);
  expect(state.counts()).toMatchObject({ open: 1, repaired: 0 });
  expect(state.lastPass({ clean: true })).toBeNull();

  await receive(archive, slice(1, 1, STUDIES[3]!));
  await archive.flush();
  made.passNow();
  await until(() => state.counts().open === 0 && state.lastPass({ clean: true }) !== null);
  expect(state.findings('gone')).toHaveLength(1);
});

test('after a restart it goes on where it was', async () => {
  const first: string[] = [];
  const slow = scrub({ store: watched(first), bytesPerSecond: 4000 });
  await until(() => first.length >= 10);
  await slow.close();
  expect(state.openPass()!.position).not.toBe('');
  expect(state.lastPass()).toBeNull();
  state.close();
  state = new ScrubState(join(folder.dir, 'integrity.sqlite'));

  const second: string[] = [];
  scrub({ store: watched(second) });
  await until(() => state.lastPass() !== null);
  expect(new Set([...first, ...second]).size).toBe(24);
  // only the study that was at hand is read again
  expect(first.filter((key) => second.includes(key)).length).toBeLessThanOrEqual(2);
  expect(state.lastPass()).toMatchObject({ studies: 12, sound: 24, errors: 0 });
});

test('it reads no faster than it may', async () => {
  const rate = new ByteRate(100_000, new AbortController().signal);
  const begun = performance.now();
  for (let i = 0; i < 15; i++) await rate.take(10_000);
  // the first second's worth is free
  expect(performance.now() - begun).toBeGreaterThan(400);
});

test('it stands back while images come in, and says so', async () => {
  let busy: string | undefined = 'images are coming in';
  const asked: string[] = [];
  const made = scrub({ store: watched(asked), busy: () => busy });
  await sleep(200);
  expect(asked).toEqual([]);
  expect(made.status()).toMatchObject({ state: 'held', reason: 'images are coming in' });
  busy = undefined;
  await until(() => state.lastPass() !== null);
  expect(asked).toHaveLength(24);
});

test('a store that goes away ends no pass: it is held and goes on when the store is back', async () => {
  let away = true;
  const store = new Proxy(archive.store, {
    getPrototypeOf: () => Object.prototype,
    get: (target, name) => {
      if (name === 'ping' && away) return () => Promise.reject(new Error('the disk is not there'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const problems: string[] = [];
  const made = scrub({ store, onProblem: ({ code }) => problems.push(code) });
  await until(() => made.status().state === 'held');
  expect(problems).toHaveLength(1);
  away = false;
  await until(() => state.lastPass() !== null);
  expect(state.lastPass()).toMatchObject({ sound: 24, errors: 0, notChecked: 0 });
});
