import { hostname } from 'node:os';
import { asLifeboatError } from '../../contract/errors.ts';
import type { DrillReport } from '../../contract/lifeboat.ts';
import { ENVELOPES } from '../../storage/format/break-glass-envelope.ts';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import type { LifeboatSource } from '../../storage/format/lifeboat-index-types.ts';
import type { HttpStore } from '../../storage/format/lifeboat-store.ts';
import { sourceOf } from '../../storage/lifeboat/row-stream.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { sampleStudies } from './drill-sample.ts';
import { drillStudy, type StudyCheck } from './drill-study.ts';
import { bootOfPage, VIEWER } from './publish-viewer.ts';

const FRESH_MS = 120_000;

type Outcome = DrillReport['outcome'];
type Step = DrillReport['steps'][number];

export interface DrillOptions {
  store: ObjectStore;
  /** Studies to open. */
  studies: number;
  /** Machine and version, for the report. */
  by: string;
  /** A store in which people need a key of their own. */
  needsEnvelope: boolean;
  /** What came within so many ms need not be in the index yet. */
  freshMs?: number;
  /** Opens a break-glass envelope with its password; what people with its key see is then what is drilled. */
  wayIn?: { envelope: string; open(): Promise<HttpStore> };
  onStudy?: (done: number) => void;
}

/**
 * Does without any router what a clinician does in lifeboat mode, with the code that the browser runs, and writes down how it went.
 * Reads only.
 */
export async function drill(options: DrillOptions): Promise<DrillReport> {
  const { store, by } = options;
  const startedAt = new Date().toISOString();
  const steps: Step[] = [];
  const step = async (name: string, work: () => Promise<Omit<Step, 'name'>>) => {
    try {
      steps.push({ name, ...(await work()) });
    } catch (thrown) {
      const { code, message } = asLifeboatError(thrown);
      steps.push({ name, outcome: code === 'STORE_UNAVAILABLE' ? 'not-checked' : 'failed', detail: message });
    }
  };
  const studies: StudyCheck[] = [];
  await step('description of the archive', () => checkDescription(store));
  await step('viewer', () => checkViewer(store));
  const { wayIn } = options;
  let source: LifeboatSource | undefined = wayIn ? undefined : sourceOf(store);
  await step('ways in', async () => {
    if (!wayIn) return checkWaysIn(store, options.needsEnvelope);
    const opened = await wayIn.open();
    source = { get: (key, range) => opened.get(key, range), list: opened.list };
    return {
      outcome: 'passed',
      detail: `the password of envelope ${wayIn.envelope} opens it; its key reads and cannot write`,
    };
  });
  await step('search and images', async () => {
    if (!source) return { outcome: 'not-checked', detail: 'there was no way in' };
    return checkStudies(options, source, studies);
  });
  return {
    lifeboat: 'drill',
    formatVersion: 1,
    startedAt,
    endedAt: new Date().toISOString(),
    by,
    store: store.description,
    outcome: worst(steps.map(({ outcome }) => outcome)),
    steps,
    studies: studies.map(({ unanswered: _, tooNew: __, ...study }) => study),
  };
}

export const drillBy = (version: string) => `${hostname()}, Lifeboat ${version}`;

function worst(outcomes: Outcome[]): Outcome {
  if (outcomes.includes('failed')) return 'failed';
  return outcomes.includes('not-checked') ? 'not-checked' : 'passed';
}

async function checkDescription(store: ObjectStore): Promise<Omit<Step, 'name'>> {
  const { signature, facts } = (await openLifeboatIndex(sourceOf(store))).archive;
  switch (signature) {
    case 'valid':
      return { outcome: 'passed', detail: `signed by key ${facts!.keyId} at ${facts!.publishedAt}` };
    case 'missing':
      return { outcome: 'failed', detail: 'lifeboat/archive.json is not in the store; run: lifeboat index' };
    case 'invalid':
      return { outcome: 'failed', detail: 'lifeboat/archive.json was changed or is damaged: its signature is wrong' };
    default:
      return {
        outcome: 'not-checked',
        detail: 'lifeboat/archive.json did not come, or its signature cannot be checked',
      };
  }
}

/** Every file that the published page names must be there. */
async function checkViewer(store: ObjectStore): Promise<Omit<Step, 'name'>> {
  const page = (await store.get(`${VIEWER}index.html`)).toString();
  const boot = bootOfPage(page);
  if (!boot) return { outcome: 'failed', detail: `${VIEWER}index.html is not a page of lifeboat mode` };
  const names = [...page.matchAll(/(?:src|href)="(?:\.\/)?([^"#:?]+)"/g)].map(([, name]) => VIEWER + name!);
  const lost: string[] = [];
  for (const name of names) {
    const found = await store.head(name);
    if (!found || found.size === 0) lost.push(name);
  }
  if (lost.length > 0) return { outcome: 'failed', detail: `not in the store: ${lost.join(', ')}` };
  return { outcome: 'passed', detail: `version ${boot.version}, published ${boot.publishedAt}, ${names.length} files` };
}

async function checkWaysIn(store: ObjectStore, needsEnvelope: boolean): Promise<Omit<Step, 'name'>> {
  if (!needsEnvelope) return { outcome: 'passed', detail: 'a folder: whoever may read it needs no key' };
  const names: string[] = [];
  for await (const { key } of store.list(ENVELOPES)) names.push(key.slice(ENVELOPES.length).replace(/\.json$/, ''));
  if (names.length === 0)
    return { outcome: 'failed', detail: 'no break-glass envelope is in the store; run: lifeboat break-glass create' };
  return { outcome: 'passed', detail: `envelopes: ${names.join(', ')} (their passwords were not tried)` };
}

async function checkStudies(
  { store, studies: size, onStudy, freshMs = FRESH_MS }: DrillOptions,
  source: LifeboatSource,
  studies: StudyCheck[],
): Promise<Omit<Step, 'name'>> {
  const index = await openLifeboatIndex(source);
  const settledBefore = Date.now() - freshMs;
  for (const uid of await sampleStudies(store, source, size)) {
    studies.push(await drillStudy(source, index, uid, settledBefore));
    onStudy?.(studies.length);
  }
  const wrong = studies.filter(({ problems, unanswered }) => problems.length > 0 && !unanswered).length;
  const unanswered = studies.filter((study) => study.unanswered).length;
  const sum = (of: 'instances' | 'frames') => studies.reduce((total, study) => total + study[of], 0);
  const opened = `${studies.length} studies, ${sum('instances')} images, ${sum('frames')} frames`;
  if (wrong > 0) return { outcome: 'failed', detail: `${opened}; wrong: ${wrong}; without an answer: ${unanswered}` };
  if (unanswered > 0) return { outcome: 'not-checked', detail: `${opened}; without an answer: ${unanswered}` };
  if (studies.length === 0)
    return { outcome: 'not-checked', detail: 'the archive is empty: there was nothing to open' };
  const tooNew = studies.filter((study) => study.tooNew).length;
  const found =
    tooNew > 0 ? `complete and unchanged; too new to be looked for: ${tooNew}` : 'found, complete and unchanged';
  return { outcome: 'passed', detail: `${opened}: all ${found}` };
}
