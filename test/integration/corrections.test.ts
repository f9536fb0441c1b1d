import { afterEach, expect, it } from 'vitest';
import type { AuditAnswer, WorklistAnswer } from '../../contract/api.ts';
import type { CorrectionsAnswer } from '../../contract/corrections.ts';
import { readShortDataSet } from '../../router/dimse/data-set-json.ts';
import { openForwarding } from '../../router/forward/forwarding.ts';
import type { DicomJson, StudyManifest } from '../../storage/format/manifest.ts';
import { FaultPeer } from '../support/fault-peer.ts';
import { startRouter } from '../support/router.ts';
import { keepFiles, smallImage } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.90';
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const image = (n: number) =>
  smallImage({
    study: STUDY,
    series: `${STUDY}.1`,
    sop: `${STUDY}.1.${n}`,
    instanceNumber: n,
    patientName: 'Unknown^Emergency',
    patientID: 'E-1',
  });
const nameIn = (json: DicomJson | undefined) => (json?.['00100010']?.Value?.[0] as { Alphabetic?: string })?.Alphabetic;

it('an emergency patient who has a name now: the PACS gets it with the original beside it, the archive keeps what it got', async () => {
  const pacs = await FaultPeer.start();
  stops.push(() => pacs.stop());
  const router = await startRouter({ env: { LIFEBOAT_FORWARD_TO: `PACS@127.0.0.1:${pacs.port}` } });
  stops.push(() => router.close());
  const { archive } = router.router.context;
  await keepFiles(archive, [image(1), image(2)]);
  await expect.poll(() => pacs.stored.length, { timeout: 15_000 }).toBe(2);

  const admin = await router.login();
  const correction = {
    studyInstanceUID: STUDY,
    patientName: 'Müller^Anna',
    patientID: '4711',
    why: 'identified by her husband',
  };
  expect((await admin.send('POST', '/api/corrections', { ...correction, why: '' })).status).toBe(400);
  expect((await admin.send('POST', '/api/corrections', correction)).status).toBe(200);
  await expect.poll(() => pacs.stored.length, { timeout: 15_000 }).toBe(4);
  // What comes later goes out so too.
  await keepFiles(archive, [image(3)]);
  await expect.poll(() => pacs.stored.length, { timeout: 15_000 }).toBe(5);
  for (const { dataSet, transferSyntaxUID } of pacs.stored.slice(2)) {
    const sent = readShortDataSet(dataSet, transferSyntaxUID);
    expect(nameIn(sent)).toBe('Müller^Anna');
    expect(sent['00100020']?.Value).toEqual(['4711']);
    const [item] = sent['04000561']!.Value as [DicomJson];
    const [modified] = item['04000550']!.Value as [DicomJson];
    expect(nameIn(modified)).toBe('Unknown^Emergency');
    expect(modified['00100020']?.Value).toEqual(['E-1']);
    expect(item['04000563']?.Value).toEqual(['LIFEBOAT']);
    expect(item['04000565']?.Value).toEqual(['CORRECT']);
    expect(String(item['04000562']?.Value?.[0])).toMatch(/^\d{14}\.\d{6}\+0000$/);
  }

  // A command beside the router (import, reconcile) owes them so too.
  const beside = openForwarding({ dataDir: router.dataDir, forwardTo: router.router.context.config.forwardTo });
  const entries = await archive.entries(STUDY);
  const [route] = await beside.route(entries[0]!);
  expect(route!.changes).toContainEqual({ tag: '00100010', set: 'Müller^Anna' });
  await beside.close();
  await beside.closeQueue();
  expect(entries.map(({ attributes }) => attributes['00100020']?.Value?.[0])).toEqual(['E-1', 'E-1', 'E-1']);
  for (const search of ['müller', '4711', 'E-1']) {
    const { rows } = await admin.json<WorklistAnswer>(`/api/worklist?search=${encodeURIComponent(search)}`);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      patientName: 'Müller^Anna',
      patientID: '4711',
      corrected: { patientName: 'Unknown^Emergency', patientID: 'E-1' },
    });
  }
  const manifest = await admin.json<StudyManifest>(`/api/studies/${STUDY}/manifest`);
  expect(nameIn(manifest.attributes)).toBe('Müller^Anna');
  expect(JSON.stringify(manifest.series)).not.toContain('Unknown^Emergency');
  expect(manifest.corrected).toMatchObject({ patientName: 'Unknown^Emergency', by: 'admin' });
  const { rows } = await admin.json<CorrectionsAnswer>('/api/corrections');
  expect(rows).toMatchObject([
    { patientID: '4711', by: 'admin', destinations: [{ owed: 3, sent: 3, confirmedAt: null }] },
  ]);
  const audit = await admin.json<AuditAnswer>('/api/audit?action=correction');
  expect(audit.rows[0]?.detail).toContain('identified by her husband');
}, 60_000);

it('two records of one patient become one, and a correction can be taken back', async () => {
  const router = await startRouter();
  stops.push(() => router.close());
  const admin = await router.login();
  const { archive } = router.router.context;
  for (const n of [1, 2])
    await keepFiles(archive, [
      smallImage({ study: `${STUDY}.${n}`, series: `${STUDY}.${n}.1`, sop: `${STUDY}.${n}.1.1`, patientID: 'OLD' }),
    ]);
  const merge = { mergeFromPatientID: 'OLD', patientName: 'Doe^Jane', patientID: 'NEW', why: 'two records' };
  const made = await admin.send('POST', '/api/corrections', merge);
  expect(((await made.json()) as CorrectionsAnswer).rows).toHaveLength(2);
  const { rows } = await admin.json<WorklistAnswer>('/api/worklist?search=NEW');
  expect(rows.map(({ studyInstanceUID }) => studyInstanceUID).sort()).toEqual([`${STUDY}.1`, `${STUDY}.2`]);
  expect((await admin.send('DELETE', `/api/corrections/${STUDY}.1`, { why: 'it was somebody else' })).status).toBe(200);
  const manifest = await admin.json<StudyManifest>(`/api/studies/${STUDY}.1/manifest`);
  expect(manifest.corrected).toBeUndefined();
  expect((await (await router.loginAs('radiologist')).fetch('/api/corrections')).status).toBe(403);
}, 60_000);
