/**
 * What `npm run demo` plays, in a throw-away folder: a main PACS, scanners that push sample studies to it and to
 * Lifeboat, the PACS fails, the images stay readable. `--exit` ends after the last check (exit code 0 when all held).
 * `--full` plays a whole day with an outage instead, with Orthanc as the PACS; `--images=N` come in meanwhile (2,000).
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Status } from '../contract/api.ts';
import { sampleStudies } from '../phantoms/sample-studies.ts';
import { loadConfig } from '../router/config.ts';
import { type RunningRouter, serve } from '../router/serve.ts';
import { freePort } from './free-port.ts';
import { playFullDay } from './full-day.ts';
import { push, scan } from './modality.ts';
import { orthancProgram } from './orthanc.ts';
import { startPacs } from './pacs.ts';

const PASSWORD = 'lifeboat-demo';
const DOWN_WITHIN_MS = 30_000;
const PASSED_ON_WITHIN_MS = 120_000;
const exitAfterwards = process.argv.includes('--exit');
const scale = Number(process.argv.find((a) => a.startsWith('--scale='))?.slice(8) ?? 1);
const say = (text = '') => console.log(text);

/** One line that is drawn over where the output is a terminal. */
function progressLine(label: string, done: number, total: number): void {
  const width = 30;
  const filled = Math.round((done / total) * width);
  const line = `   ${label.padEnd(34)} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total}`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === total ? '\n' : ''}`);
  else if (done === total) say(line);
}

function today(): string {
  const now = new Date();
  const two = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
}

/** Plays the scanners. Returns how many images were acknowledged by Lifeboat. */
async function playScanners(folder: string, router: RunningRouter): Promise<number> {
  let acknowledged = 0;
  for (const sample of sampleStudies({ date: today(), scale })) {
    const callingAE = `DEMO_${sample.modality}`;
    const files = await scan(join(folder, sample.study.studyInstanceUID), sample.instances());
    const progress = (done: number, total: number) => progressLine(`${sample.name} from ${callingAE}`, done, total);
    const lifeboat = { name: 'Lifeboat', aeTitle: 'LIFEBOAT', port: router.dicomPort };
    const report = await push(callingAE, lifeboat, files, progress);
    acknowledged += report.sent + report.warnings;
    for (const result of report.results)
      if (result.outcome === 'failed') say(`   not kept: ${result.name}: ${result.message}`);
  }
  return acknowledged;
}

/** Signs in as a browser would and reads the status page. */
async function signedInStatus(router: RunningRouter): Promise<() => Promise<Status>> {
  const answer = await fetch(`${router.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'admin', password: PASSWORD }),
  });
  if (!answer.ok) throw new Error(`The demo could not sign in: ${answer.status} ${await answer.text()}`);
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return async () => (await (await fetch(`${router.url}/api/status`, { headers: { cookie } })).json()) as Status;
}

async function until(condition: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((done) => setTimeout(done, 500));
  }
  return false;
}

function openBrowser(url: string): void {
  if (!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'] && process.platform === 'linux') return;
  const program = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  spawn(program, [url], { stdio: 'ignore', detached: true })
    .on('error', () => say(`   Open ${url} in a browser.`))
    .unref();
}

/** `--full`: the whole day; ends the process unless somebody is to look around. */
async function playFull(): Promise<void> {
  if (orthancProgram() === undefined)
    throw new Error('The full day needs a real PACS: install Orthanc (Debian: apt install orthanc).');
  const instances = Number(process.argv.find((a) => a.startsWith('--images='))?.slice(9) ?? 2_000);
  const day = await playFullDay({
    folder,
    history: Math.max(8, Math.round(instances / 10)),
    instances,
    seed: 1,
    password: PASSWORD,
    httpPort: await freePort(8080),
    say,
  });
  closers.push(() => day.close());
  const { acknowledged, inPacs, inLifeboat, run } = day;
  const agreed = inPacs.length === inLifeboat.length && inPacs.every((uid, n) => uid === inLifeboat[n]);
  const lost = [...acknowledged].filter((uid) => !inLifeboat.includes(uid)).length;
  say('\n7. In the evening');
  say(
    `   PACS ${inPacs.length} images, Lifeboat ${inLifeboat.length}: ${agreed ? 'they agree on every one' : 'THEY DO NOT AGREE'}; ${lost} lost`,
  );
  say(`   signed off: ${run.signedBy ?? 'no'}; the report lies in ${join(folder, 'reconciliation.pdf')}`);
  say(`   Open ${day.router.url}/it?tab=reconcile and sign in as admin / ${PASSWORD}`);
  const good = agreed && lost === 0 && run.open === 0 && run.delivered === run.received && run.signedBy !== null;
  if (exitAfterwards) await end(good ? 0 : 1);
  say('\nStop with Ctrl+C.');
  await new Promise(() => undefined);
}

const folder = await mkdtemp(join(tmpdir(), 'lifeboat-demo-'));
const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
let ending = false;
async function end(code: number): Promise<never> {
  if (ending) process.exit(1);
  ending = true;
  for (const close of closers.reverse()) await close();
  process.exit(code);
}
process.on('SIGINT', () => void end(0));
process.on('SIGTERM', () => void end(0));

try {
  if (process.argv.includes('--full')) await playFull();
  say('1. A hospital with a main PACS');
  const pacs = await startPacs(join(folder, 'pacs'));
  closers.push(() => pacs.stop());
  say(`   ${pacs.aeTitle} runs (${pacs.kind}, port ${pacs.port})`);

  const router = await serve(
    loadConfig({
      cwd: folder,
      env: {
        LIFEBOAT_DATA: join(folder, 'data'),
        LIFEBOAT_HTTP_PORT: String(await freePort(8080)),
        LIFEBOAT_DICOM_PORT: String(await freePort(11112)),
        LIFEBOAT_ADMIN_PASSWORD: PASSWORD,
        LIFEBOAT_ACCEPT_AE: '*',
        LIFEBOAT_PACS: `${pacs.aeTitle}@127.0.0.1:${pacs.port}`,
        LIFEBOAT_FORWARD_TO: `${pacs.aeTitle}@127.0.0.1:${pacs.port}`,
        LIFEBOAT_DEMO: 'true',
        LIFEBOAT_LOG_LEVEL: 'error',
      },
    }),
  );
  closers.push(() => router.close());
  say(`   Lifeboat runs (viewer ${router.url}, DICOM LIFEBOAT at port ${router.dicomPort})`);

  say('\n2. Scanners send every study to Lifeboat, which passes it on to the main PACS (real C-STORE)');
  const acknowledged = await playScanners(join(folder, 'scanners'), router);
  await router.context.archive.flush();
  const status = await signedInStatus(router);
  const { totals } = await status();
  say(`   ${acknowledged} images acknowledged; Lifeboat keeps ${totals.instances} in ${totals.studies} studies`);

  const sent = () => router.context.forwarding?.status().destinations[0]?.sent ?? 0;
  const passedOn = await until(async () => sent() === totals.instances, PASSED_ON_WITHIN_MS);
  say(`   ${pacs.aeTitle} has confirmed ${sent()} of them`);

  say('\n3. The main PACS fails');
  await until(async () => (await status()).pacs?.state === 'up', DOWN_WITHIN_MS);
  const stoppedAt = Date.now();
  await pacs.stop();
  const noticed = await until(async () => (await status()).pacs?.state === 'down', DOWN_WITHIN_MS);
  say(
    noticed
      ? `   noticed after ${((Date.now() - stoppedAt) / 1000).toFixed(0)} s: every page now carries the outage banner`
      : `   not noticed within ${DOWN_WITHIN_MS / 1000} s`,
  );

  say('\n4. Read on');
  say(`   Open      ${router.url}`);
  say(`   Sign in   admin / ${PASSWORD}`);
  say('   Everything is SAMPLE data in a temporary folder that is removed at the end.');
  if (exitAfterwards) await end(noticed && passedOn && acknowledged > 0 && acknowledged === totals.instances ? 0 : 1);
  openBrowser(router.url);
  say('\nStop with Ctrl+C.');
} catch (error) {
  console.error((error as Error).message);
  await end(1);
}
