/**
 * A day on which the main PACS fails, played with a real one (Orthanc): history fetched before, scanners and workstations served
 * meanwhile, a flaky return, both sides compared at the end. `npm run demo -- --full` and the tests play the same.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReconcileRun } from '../contract/reconcile.ts';
import { randomNumbers } from '../phantoms/drawing.ts';
import { requestCommitment } from '../router/commitment/commitment-scu.ts';
import { loadConfig } from '../router/config.ts';
import { find } from '../router/dimse/query-scu.ts';
import { move } from '../router/dimse/retrieve-scu.ts';
import { sendInstances } from '../router/dimse/storage-scu.ts';
import { type RunningRouter, serve } from '../router/serve.ts';
import { askWorklist } from '../router/worklist/worklist-scu.ts';
import { patient, type ScannedStudy, scanned, startWorkstation, until } from './day-parts.ts';
import { FlakyLine } from './flaky-line.ts';
import { freePort } from './free-port.ts';
import { Orthanc } from './orthanc.ts';

export interface DayOptions {
  folder: string;
  /** Images of the history that the PACS has before. */
  history: number;
  /** Images that come in while the PACS is down, beside those that are under way when it fails. */
  instances: number;
  /** Of the faults of the line. */
  seed: number;
  password: string;
  say?(line: string): void;
  httpPort?: number;
}

/** What is to be true at the end of the day, counted from outside wherever that is possible. */
export interface DayResult {
  router: RunningRouter;
  /** Acknowledged by Lifeboat. */
  acknowledged: Set<string>;
  historyHere: number;
  /** Sent to the PACS before it failed and while it was flaky; refused and broken off by it. */
  faults: { passes: number; refused: number; aborts: number };
  /** s from the plug being pulled to the outage being declared. */
  declaredAfter: number;
  /** s from the PACS being declared up to the first image that it was sent. */
  firstForwardAfter: number;
  /** Found and fetched by a workstation while the PACS was down. */
  foundStudies: number;
  fetched: number;
  worklist: string[];
  committedToScanner: number;
  /** SOP Instance UIDs at the end. */
  inPacs: string[];
  inLifeboat: string[];
  run: ReconcileRun;
  csv: string;
  pdf: Buffer;
  close(): Promise<void>;
}

const RADIOLOGY = 'WS_RADIOLOGY';

/** Plays the day; whoever calls it judges. */
export async function playFullDay(options: DayOptions): Promise<DayResult> {
  const { folder, say = () => undefined, password } = options;
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    return await play(options, folder, say, password, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function play(
  { history, instances, seed, httpPort = 0 }: DayOptions,
  folder: string,
  say: (line: string) => void,
  password: string,
  closers: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<DayResult> {
  const now = new Date();
  const two = (n: number) => String(n).padStart(2, '0');
  const today = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}00`;
  const dicomPort = await freePort();
  const linePort = await freePort();

  say('1. A hospital: a main PACS with a history, a workstation, three scanners, Lifeboat beside them');
  const pacs = await Orthanc.start({
    folder: join(folder, 'pacs'),
    sendsTo: [{ aeTitle: 'LIFEBOAT', port: dicomPort }],
  });
  closers.push(() => pacs.kill());
  const line = await FlakyLine.open(linePort, pacs.port);
  closers.push(() => line.cut());
  const workstation = await startWorkstation(RADIOLOGY, 0);
  closers.push(() => workstation.stop());
  const old = await scanned(join(folder, 'history'), patient(0, today, '000000'), history);
  await sendInstances({ ...pacs.peer, callingAE: 'ARCHIVE', files: old.files });

  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const forwarding = `destinations:\n  - name: pacs\n    dimse: PACS@127.0.0.1:${linePort}\n    commitment: true\n`;
  await writeFile(join(data, 'forwarding.yaml'), forwarding);
  const router = await serve(
    loadConfig({
      cwd: folder,
      env: {
        LIFEBOAT_DATA: data,
        LIFEBOAT_HTTP_PORT: String(httpPort),
        LIFEBOAT_DICOM_PORT: String(dicomPort),
        LIFEBOAT_ADMIN_PASSWORD: password,
        LIFEBOAT_ACCEPT_AE: '*',
        LIFEBOAT_PACS: `PACS@127.0.0.1:${linePort}`,
        LIFEBOAT_WORKSTATIONS: `${RADIOLOGY}@127.0.0.1:${workstation.port}`,
        LIFEBOAT_SPOOL_MIN_FREE_MB: '16',
        LIFEBOAT_SCRUB_MB_PER_S: '0',
        LIFEBOAT_DEMO: 'true',
        LIFEBOAT_LOG_LEVEL: 'fatal',
      },
    }),
  );
  closers.push(() => router.close());
  const { context } = router;
  const state = () => context.pacsStatus!().state;
  await must('the PACS is seen', () => state() === 'up', 30_000);

  say(`2. Before: the history is fetched from the PACS (${history} images)`);
  context.history!.backfill.act({ action: 'start', plan: { via: 'dimse', from: today, to: today } });
  await must(
    'the history is here',
    async () => (await context.archive.entries(old.studyInstanceUID)).length === history,
    120_000,
  );
  const historyHere = (await context.archive.entries(old.studyInstanceUID)).length;

  say('3. Three scanners send; in the middle of it the plug of the PACS is pulled');
  const perScanner = Math.max(6, Math.ceil(instances / 40));
  const studies: ScannedStudy[] = [];
  for (let n = 1; n <= 3; n++)
    studies.push(await scanned(join(folder, `scanner-${n}`), patient(n, today, time), perScanner));
  const acknowledged = new Set<string>();
  const toLifeboat = { host: '127.0.0.1', port: dicomPort, calledAE: 'LIFEBOAT' };
  const send = async (callingAE: string, files: readonly string[]) => {
    const report = await sendInstances({ ...toLifeboat, callingAE, files });
    for (const { outcome, sopInstanceUID } of report.results)
      if (outcome !== 'failed') acknowledged.add(sopInstanceUID);
  };
  let pulledAt = 0;
  const pull = until(() => line.counts.passes >= 3, 60_000, 5).then(async () => {
    pulledAt = Date.now();
    await Promise.all([pacs.kill(), line.cut()]);
  });
  await Promise.all([...studies.map((study, n) => send(`SCANNER${n + 1}`, study.files)), pull]);
  await must('the outage is declared', () => state() === 'down', 30_000);
  const declaredAfter = (Date.parse(context.pacsStatus!().since) - pulledAt) / 1000;
  say(`   declared after ${declaredAfter.toFixed(1)} s`);

  say(`4. During: ${instances} more images come in`);
  const perStudy = Math.ceil(instances / 4);
  const rest: ScannedStudy[] = [];
  for (let n = 4; n <= 7; n++) {
    const left = instances - rest.reduce((sum, { files }) => sum + files.length, 0);
    rest.push(await scanned(join(folder, `scanner-${n}`), patient(n, today, time), Math.min(perStudy, left)));
  }
  await Promise.all(rest.map((study, n) => send(`SCANNER${(n % 3) + 1}`, study.files)));
  await context.archive.flush();

  say('   a workstation asks Lifeboat in place of the PACS, and fetches');
  const asWorkstation = { ...toLifeboat, callingAE: RADIOLOGY };
  let foundStudies = 0;
  for await (const _ of find(asWorkstation, 'STUDY', { '00080020': today })) foundStudies++;
  for (const { studyInstanceUID } of [old, rest[0]!])
    for await (const _ of move(asWorkstation, RADIOLOGY, 'STUDY', { '0020000D': studyInstanceUID }));

  say('   a scanner gets its worklist and the commitment for what it sent');
  const worklist = await worklistOf(router, password, today, toLifeboat);
  const committed = new Set<string>();
  const references = studies[0]!.instances;
  await requestCommitment(
    { ...toLifeboat, callingAE: 'SCANNER1' },
    `2.25.${BigInt(`0x${randomBytes(16).toString('hex')}`)}`,
    references,
    (information) => {
      for (const { sopInstanceUID } of information.references) committed.add(sopInstanceUID);
      return true;
    },
    20_000,
  );

  say('5. After: the PACS comes back, flaky (a fifth of the stores refused, some aborted, a restart)');
  const random = randomNumbers(seed);
  let firstForwardAt = 0;
  line.fate = () => {
    firstForwardAt ||= Date.now();
    const drawn = random();
    return drawn < 0.2 ? 'refused' : drawn < 0.22 ? 'aborts' : 'passes';
  };
  await pacs.up();
  await line.mend();
  await must('the PACS is up again', () => state() === 'up', 60_000);
  const upAt = Date.parse(context.pacsStatus!().since);
  const sent = () => context.forwarding!.counts()[0]!.sent;
  await must('images go out', () => firstForwardAt > 0, 60_000);
  const firstForwardAfter = (firstForwardAt - upAt) / 1000;
  say(`   first image ${Math.max(0, firstForwardAfter).toFixed(1)} s after it was seen to be up`);
  await until(() => sent() >= acknowledged.size / 3, 300_000);
  await pacs.kill();
  await pacs.up();
  say('   restarted in the middle');
  await must('everything is sent', () => context.forwarding!.queued('pacs') === 0, 1_800_000);
  line.fate = () => 'passes';

  say('6. Both sides are compared, image by image');
  const runs = () => context.reconciliation!.state.runs();
  await must('the comparison is over', () => runs().length > 0 && runs().every((run) => run.state === 'done'), 900_000);
  const { id } = runs().at(-1)!;
  if (runs().at(-1)!.open === 0) context.reconciliation!.sign(id, 'admin', 'full day');
  const run = context.reconciliation!.state.run(id)!;
  const csv = context.reconciliation!.csv(id);
  const pdf = await context.reconciliation!.pdf(id);
  await writeFile(join(folder, 'reconciliation.pdf'), pdf);
  say(`   received ${run.received}, delivered ${run.delivered}, committed ${run.committed ?? '-'}, open ${run.open}`);

  const inLifeboat: string[] = [];
  for (const { studyInstanceUID } of [old, ...studies, ...rest])
    for (const { sopInstanceUID } of await context.archive.entries(studyInstanceUID)) inLifeboat.push(sopInstanceUID);
  return {
    router,
    acknowledged,
    historyHere,
    faults: { ...line.counts },
    declaredAfter,
    firstForwardAfter,
    foundStudies,
    fetched: workstation.received.size,
    worklist,
    committedToScanner: committed.size,
    inPacs: await pacs.sopInstanceUIDs(),
    inLifeboat: inLifeboat.sort(),
    run,
    csv,
    pdf,
    close,
  };
}

async function must(what: string, condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  if (!(await until(condition, withinMs))) throw new Error(`This did not come true in ${withinMs / 1000} s: ${what}.`);
}

/** An order entered by hand while the RIS is away, and what a scanner is told of it. */
async function worklistOf(
  router: RunningRouter,
  password: string,
  today: string,
  peer: { host: string; port: number; calledAE: string },
): Promise<string[]> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ user: 'admin', password });
  const session = await fetch(`${router.url}/api/session`, { method: 'POST', headers, body });
  const { csrf } = (await session.json()) as { csrf: string };
  const cookie = session.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const fields = {
    patientName: 'SAMPLE^Next',
    patientID: 'SAMPLE-N1',
    accessionNumber: 'ACC-N1',
    modality: 'CT',
    stationAETitle: 'SCANNER1',
    startDate: today,
    startTime: '1500',
  };
  const made = await fetch(`${router.url}/api/schedule`, {
    method: 'POST',
    headers: { ...headers, cookie, 'X-Lifeboat-CSRF': csrf },
    body: JSON.stringify({ unscheduled: false, fields }),
  });
  if (!made.ok) throw new Error(`The order could not be entered: ${made.status} ${await made.text()}`);
  const items = await askWorklist({ ...peer, callingAE: 'SCANNER1' }, { from: today, to: today });
  return items.map((item) => String(item['00100020']?.Value?.[0] ?? ''));
}
