import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AeRow } from '../../contract/api.ts';
import { freePort } from '../bench/receivers.ts';
import { Asker, ReportTaker } from '../support/commitment-peer.ts';
import { keepFiles } from '../support/keep-files.ts';
import { EXPLICIT, IMPLICIT } from '../support/raw-dimse.ts';
import { type RouterProcess, startRouter, startRouterProcess, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const MR = '1.2.840.10008.5.1.4.1.1.4';
const hasOrthanc = spawnSync('Orthanc', ['--version']).status === 0;
if (!hasOrthanc) console.log('Skipped: Orthanc as a modality that asks for storage commitment (it is not installed).');

async function until<T>(what: () => T | undefined | false | Promise<T | undefined | false>, ms = 20_000): Promise<T> {
  for (const deadline = Date.now() + ms; ; await wait(50)) {
    const got = await what();
    if (got) return got;
    if (Date.now() > deadline) throw new Error('it did not happen in time');
  }
}

let folder: string;
let closers: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-commitment-'));
  closers = [() => rmSync(folder, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function router(options: Parameters<typeof startRouter>[0] = {}): Promise<TestRouter> {
  const started = await startRouter(options);
  closers.push(() => started.close());
  return started;
}
async function taker(port = 0): Promise<ReportTaker> {
  const started = await ReportTaker.start(port);
  closers.push(() => started.stop());
  return started;
}
const image = (n: number) =>
  smallImage({ study: '1.2.77', series: '1.2.77.1', sop: `1.2.77.1.${n}`, instanceNumber: n });
const reference = (n: number, sopClassUID = CT) => ({ sopClassUID, sopInstanceUID: `1.2.77.1.${n}` });
const asked = (to: { dicomPort: number; aeTitle: string }, syntaxes = [IMPLICIT]) =>
  Asker.open({ port: to.dicomPort, calledAE: to.aeTitle, callingAE: 'SCANNER' }, syntaxes);

describe('storage commitment asked for by a modality', () => {
  it('confirms on the same association what is in the store, and says why not of the rest', async () => {
    const lifeboat = await router();
    const { archive } = lifeboat.router.context;
    await keepFiles(archive, [image(1), image(2), image(3)]);
    await archive.flush();
    const damaged = (await archive.entries('1.2.77')).find(({ sopInstanceUID }) => sopInstanceUID === '1.2.77.1.3')!;
    const path = join(lifeboat.dataDir, 'store', damaged.key);
    rmSync(path);
    writeFileSync(path, Buffer.alloc(damaged.size));
    for (const syntax of [IMPLICIT, EXPLICIT]) {
      const asker = await asked(lifeboat, [syntax]);
      const transactionUID = `1.2.3.${syntax.length}`;
      const references = [reference(1), reference(2, MR), reference(3), reference(4)];
      expect(await asker.ask(transactionUID, references)).toBe(0);
      const report = await until(() => asker.reports[0]);
      expect(report).toEqual({
        transactionUID,
        eventTypeID: 2,
        transferSyntaxUID: syntax,
        references: [reference(1)],
        failed: [
          { ...reference(2, MR), reason: 0x0119 },
          { ...reference(3), reason: 0x0110 },
          { ...reference(4), reason: 0x0112 },
        ],
      });
      await asker.release();
    }
    const { rows } = lifeboat.router.control.auditRows({ action: 'commitment', limit: 10, offset: 0 });
    expect(rows.some(({ user, detail }) => user === 'SCANNER' && detail.includes('1 confirmed, 3 not'))).toBe(true);
  });

  it('reports on a new association when the modality hung up, and again until it is taken', async () => {
    const lifeboat = await router();
    const reports = await taker();
    lifeboat.router.control.allowAe('SCANNER');
    lifeboat.router.control.setAeAddress('SCANNER', reports.port);
    await keepFiles(lifeboat.router.context.archive, [image(1)]);
    reports.status = 0x0110;
    const asker = await asked(lifeboat);
    expect(await asker.ask('1.2.3', [reference(1)])).toBe(0);
    await asker.release();
    const { queue } = lifeboat.router.context.commitments!;
    await until(() => (queue.byTransaction('1.2.3')?.attempts ?? 0) > 0);
    expect(queue.open(5)[0]?.message).toContain('0x0110');
    const admin = await lifeboat.login();
    const senders = await admin.json<AeRow[]>('/api/aes');
    expect(senders.find(({ title }) => title === 'SCANNER')?.reports?.waiting).toBe(1);
    reports.status = 0;
    const report = await until(() => reports.reports[0]);
    expect(report).toMatchObject({ transactionUID: '1.2.3', eventTypeID: 1, references: [reference(1)], failed: [] });
    await until(() => queue.byTransaction('1.2.3')?.state === 'done');
    expect(queue.undelivered().size).toBe(0);
    expect(reports.reports).toHaveLength(1);
  });

  it('tells IT that it does not know where to report, and reports as soon as it is told', async () => {
    const lifeboat = await router();
    const reports = await taker();
    await keepFiles(lifeboat.router.context.archive, [image(1)]);
    const asker = await asked(lifeboat);
    expect(await asker.ask('1.2.3', [reference(1)])).toBe(0);
    await asker.release();
    const admin = await lifeboat.login();
    const told = async () =>
      (await admin.json<AeRow[]>('/api/aes')).find(({ title }) => title === 'SCANNER')?.reports?.message;
    expect(await until(told)).toMatch(/Nobody knows where SCANNER takes reports/);
    await admin.send('POST', '/api/aes', { title: 'SCANNER', port: reports.port });
    expect(await until(() => reports.reports[0])).toMatchObject({ eventTypeID: 1, references: [reference(1)] });
  });

  it('waits for what is acknowledged and not yet in the store', async () => {
    const lifeboat = await router();
    const { archive } = lifeboat.router.context;
    const store = join(lifeboat.dataDir, 'store');
    await archive.flush();
    // a store whose objects folder cannot be written: images wait in the spool
    rmSync(join(store, 'objects'), { recursive: true, force: true });
    writeFileSync(join(store, 'objects'), '');
    const reception = archive.beginFile({ via: 'import', user: 'test' });
    await reception.write(image(1));
    await reception.finish();
    const asker = await asked(lifeboat);
    expect(await asker.ask('1.2.3', [reference(1)])).toBe(0);
    await wait(1_000);
    expect(asker.reports).toEqual([]);
    rmSync(join(store, 'objects'));
    mkdirSync(join(store, 'objects'));
    const report = await until(() => asker.reports[0], 40_000);
    expect(report).toMatchObject({ eventTypeID: 1, references: [reference(1)] });
    await asker.release();
  });

  it('refuses what is no request, and a transaction that was used for something else', async () => {
    const lifeboat = await router();
    const asker = await asked(lifeboat);
    expect(await asker.ask('1.2.3', [reference(1)])).toBe(0);
    expect(await asker.ask('1.2.3', [reference(2)])).toBe(0x0115);
    expect(await asker.ask('1.2.4', [])).toBe(0x0115);
    expect(await asker.ask('1.2.5', [reference(1)], { actionTypeID: 2 })).toBe(0x0123);
    expect(await asker.ask('1.2.6', [reference(1)], { requestedSOPInstanceUID: '1.2.3' })).toBe(0x0112);
    await until(() => asker.reports[0]);
    await asker.release();
    const again = await asked(lifeboat);
    expect(await again.ask('1.2.3', [reference(1)])).toBe(0);
    expect(await until(() => again.reports[0])).toMatchObject({ transactionUID: '1.2.3' });
    await again.release();
  });

  it('takes 5,000 instances in one request', async () => {
    const lifeboat = await router();
    await keepFiles(lifeboat.router.context.archive, [image(1)]);
    const asker = await asked(lifeboat);
    const uid = (n: number) => `1.2.840.113619.2.55.3.2831868886.999.1234567890.123.${n}`;
    const many = Array.from({ length: 5_000 }, (_, n) => ({ sopClassUID: CT, sopInstanceUID: uid(n) }));
    expect(await asker.ask('1.2.3', [...many, reference(1)])).toBe(0);
    const report = await until(() => asker.reports[0]);
    expect([report.references.length, report.failed.length]).toEqual([1, 5_000]);
    await asker.release();
  });
});

describe('storage commitment survives', () => {
  it('kill -9 between the request and its report', async () => {
    const port = await freePort();
    let lifeboat: RouterProcess = await startRouterProcess({ dataDir: folder });
    closers.push(() => lifeboat.stop('SIGKILL'));
    const admin = await lifeboat.login();
    expect((await admin.send('POST', '/api/aes', { title: 'SCANNER', port })).status).toBe(201);
    const { sendInstances } = await import('../../router/dimse/storage-scu.ts');
    const file = join(folder, 'one.dcm');
    writeFileSync(file, image(1));
    const sent = await sendInstances({
      host: '127.0.0.1',
      port: lifeboat.dicomPort,
      calledAE: lifeboat.aeTitle,
      callingAE: 'SCANNER',
      files: [file],
    });
    expect(sent.sent).toBe(1);
    const asker = await asked(lifeboat);
    expect(await asker.ask('1.2.3', [reference(1)])).toBe(0);
    const left = asker.release();
    await lifeboat.stop('SIGKILL');
    await left;
    const reports = await taker(port);
    lifeboat = await startRouterProcess({ dataDir: folder });
    expect(await until(() => reports.reports[0])).toMatchObject({ eventTypeID: 1, references: [reference(1)] });
  }, 60_000);
});

describe.skipIf(!hasOrthanc)('Orthanc as the modality', () => {
  it('is told what Lifeboat commits to', async () => {
    const lifeboat = await router();
    const [dicomPort, httpPort] = [await freePort(), await freePort()];
    const modality = {
      AET: lifeboat.aeTitle,
      Host: '127.0.0.1',
      Port: lifeboat.dicomPort,
      AllowStorageCommitment: true,
    };
    const settings = join(folder, 'orthanc.json');
    writeFileSync(
      settings,
      JSON.stringify({
        DicomAet: 'SCANNER',
        DicomPort: dicomPort,
        HttpPort: httpPort,
        AuthenticationEnabled: false,
        StorageDirectory: join(folder, 'orthanc'),
        IndexDirectory: join(folder, 'orthanc'),
        DicomModalities: { lifeboat: modality },
      }),
    );
    const child = spawn('Orthanc', [settings], { stdio: 'ignore' });
    closers.push(async () => {
      child.kill();
      await once(child, 'exit');
    });
    const orthanc = `http://127.0.0.1:${httpPort}`;
    await until(async () => (await fetch(`${orthanc}/system`).catch(() => undefined))?.ok);
    lifeboat.router.control.allowAe('SCANNER');
    lifeboat.router.control.setAeAddress('SCANNER', dicomPort, '127.0.0.1');
    await keepFiles(lifeboat.router.context.archive, [image(1)]);
    const answer = await fetch(`${orthanc}/modalities/lifeboat/storage-commitment`, {
      method: 'POST',
      body: JSON.stringify({ DicomInstances: [reference(1), reference(2)].map((each) => Object.values(each)) }),
    });
    const { ID: id } = (await answer.json()) as { ID: string };
    const report = await until(async () => {
      const got = (await (await fetch(`${orthanc}/storage-commitment/${id}`)).json()) as {
        Status: string;
        Success: { SOPInstanceUID: string }[];
        Failures: { SOPInstanceUID: string; FailureReason: number }[];
      };
      return got.Status !== 'Pending' && got;
    });
    expect(report).toMatchObject({
      Status: 'Failure',
      Success: [{ SOPInstanceUID: '1.2.77.1.1' }],
      Failures: [{ SOPInstanceUID: '1.2.77.1.2', FailureReason: 0x0112 }],
    });
  }, 60_000);
});
