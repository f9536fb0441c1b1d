import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArrivalsAnswer } from '../../contract/api.ts';
import type { ScheduleAnswer } from '../../contract/ris.ts';
import { AssociationRequestor } from '../../router/dimse/association-requestor.ts';
import { CommandField } from '../../router/dimse/command-set.ts';
import { SHORT_DATA_SET_SYNTAXES, writeShortDataSet } from '../../router/dimse/data-set-json.ts';
import { MODALITY_PERFORMED_PROCEDURE_STEP as MPPS } from '../../router/mpps/mpps-scp.ts';
import { dayOf } from '../../router/worklist/worklist-store.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { freePort } from '../bench/receivers.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.7.1';
const today = dayOf(new Date());

/** A scanner's report. */
async function report(
  port: number,
  operation: 'create' | 'set',
  uid: string,
  dataSet: DicomJson,
  ae = 'CT1',
): Promise<number> {
  const peer = { host: '127.0.0.1', port, calledAE: 'LIFEBOAT', callingAE: ae };
  const association = await AssociationRequestor.open(peer, [
    { abstractSyntax: MPPS, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] },
  ]);
  try {
    const context = association.contextFor(MPPS)!;
    const command =
      operation === 'create'
        ? { commandField: CommandField.NCreateRQ, affectedSOPClassUID: MPPS, affectedSOPInstanceUID: uid }
        : { commandField: CommandField.NSetRQ, requestedSOPClassUID: MPPS, requestedSOPInstanceUID: uid };
    const bytes = writeShortDataSet(dataSet, context.transferSyntax);
    for await (const { command: answer } of association.operate(context, command, bytes)) return answer.status!;
    throw new Error('no answer');
  } finally {
    await association.release();
  }
}

const begun = (study: string, name = 'Grün^Eva'): DicomJson => ({
  '00100010': { vr: 'PN', Value: [{ Alphabetic: name }] },
  '00100020': { vr: 'LO', Value: ['P7'] },
  '00400252': { vr: 'CS', Value: ['IN PROGRESS'] },
  '00400270': { vr: 'SQ', Value: [{ '0020000D': { vr: 'UI', Value: [study] } }] },
});
const done = (uids: readonly string[], status = 'COMPLETED'): DicomJson => ({
  '00400252': { vr: 'CS', Value: [status] },
  '00400340': {
    vr: 'SQ',
    Value: [
      {
        '0020000E': { vr: 'UI', Value: ['1.2.3'] },
        '00081140': {
          vr: 'SQ',
          Value: uids.map((uid) => ({
            '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
            '00081155': { vr: 'UI', Value: [uid] },
          })),
        },
      },
    ],
  },
});

describe('performed procedure steps (MPPS)', () => {
  let test: TestRouter;
  let admin: Browser;
  let ris: TestRouter | undefined;
  let risPort: number;

  const arrivals = async (study: string) =>
    (await admin.json<ArrivalsAnswer>('/api/arrivals')).rows.find((row) => row.studyInstanceUID === study);
  const owed = async () => (await admin.json<ScheduleAnswer>('/api/schedule')).steps[0]!;

  beforeAll(async () => {
    risPort = await freePort();
    test = await startRouter({ env: { LIFEBOAT_MPPS_TO: `RIS@127.0.0.1:${risPort}` } });
    admin = await test.login();
  }, 120_000);
  afterAll(async () => {
    await test?.close();
    await ris?.close();
  });

  it('are kept, and say on the arrivals page how many images are still missing', async () => {
    const study = smallStudy(STUDY, 3);
    const { worklist } = test.router.context.ris!;
    worklist.add('hand', { patientName: 'Grün^Eva', patientID: 'P7', studyInstanceUID: STUDY }, 'test');
    expect(worklist.items()).toHaveLength(1);
    const uids = ['1.2.826.0.7.1.1.1', '1.2.826.0.7.1.1.2', '1.2.826.0.7.1.1.3', '1.2.826.0.7.1.1.4'];
    expect(await report(test.dicomPort, 'create', '1.9.1', begun(STUDY))).toBe(0);
    const before = await arrivals(STUDY);
    expect(before).toMatchObject({ patientName: 'Grün^Eva', patientID: 'P7', callingAE: 'CT1', series: [] });
    expect(before!.performed).toMatchObject([{ status: 'IN PROGRESS', images: 0, missing: 0 }]);

    await keepFiles(test.router.context.archive, study);
    const here = (await test.router.context.archive.entries(STUDY)).map(({ sopInstanceUID }) => sopInstanceUID);
    expect(here).toHaveLength(3);
    expect(await report(test.dicomPort, 'set', '1.9.1', done([...here, uids[3]!]))).toBe(0);
    const [planned] = test.router.context.ris!.worklist.schedule(today, today);
    expect(planned).toMatchObject({ performed: 'COMPLETED' });
    expect(test.router.context.ris!.worklist.items()).toEqual([]);
    const after = await arrivals(STUDY);
    expect(after!.performed).toMatchObject([{ status: 'COMPLETED', callingAE: 'CT1', images: 4, missing: 1 }]);
  });

  it('are refused as the standard says: twice, unknown, over, without a status', async () => {
    expect(await report(test.dicomPort, 'create', '1.9.1', begun(STUDY))).toBe(0x0111);
    expect(await report(test.dicomPort, 'set', '1.9.9', done([]))).toBe(0x0112);
    expect(await report(test.dicomPort, 'set', '1.9.1', done([], 'DISCONTINUED'))).toBe(0x0110);
    expect(await report(test.dicomPort, 'create', '1.9.2', done([]))).toBe(0x0106);
    expect(await report(test.dicomPort, 'create', '1.9.2', { '00100020': { vr: 'LO', Value: ['P'] } })).toBe(0x0120);
  });

  it('of thousands of images are taken whole', async () => {
    expect(await report(test.dicomPort, 'create', '1.9.3', begun('1.2.826.0.7.3'))).toBe(0);
    const many = Array.from({ length: 5000 }, (_, i) => `1.2.826.0.1.3680043.8.498.10000000000000000000000000000.${i}`);
    expect(await report(test.dicomPort, 'set', '1.9.3', done(many))).toBe(0);
    expect((await arrivals('1.2.826.0.7.3'))!.performed).toMatchObject([{ images: 5000, missing: 5000 }]);
  });

  it('wait for the RIS over a restart, and reach it once and in order when it is back', async () => {
    expect(await owed()).toMatchObject({ waiting: 4, sent: 0 });
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    expect(metrics).toMatch(/^lifeboat_mpps_messages\{[^}]*state="waiting"\} 4$/m);
    expect(metrics).toMatch(/^lifeboat_worklist_age_seconds (NaN|Nan)$/m);
    await test.close({ keepData: true });
    test = await startRouter({
      dataDir: test.dataDir,
      env: { LIFEBOAT_MPPS_TO: `RIS@127.0.0.1:${risPort}` },
    });
    admin = await test.login();
    expect(await owed()).toMatchObject({ waiting: 4 });
    ris = await startRouter({ config: { dicomPort: risPort } });
    await admin.send('POST', '/api/schedule/steps', { destination: `RIS@127.0.0.1:${risPort}`, action: 'retry' });
    await expect.poll(owed, { timeout: 30_000 }).toMatchObject({ waiting: 0, person: 0, sent: 4, trouble: '' });
    const [step] = ris.router.context.ris!.steps.ofStudy(STUDY);
    expect(step).toMatchObject({ status: 'COMPLETED', callingAE: 'LIFEBOAT', patientName: 'Grün^Eva' });
    expect(step!.references).toHaveLength(4);
    expect(ris.router.context.ris!.steps.ofStudy('1.2.826.0.7.3')[0]!.references).toHaveLength(5000);
  }, 90_000);

  it('that the RIS refuses wait for a person, and hold up nothing but their own step', async () => {
    // The RIS has this one already as something else.
    expect(await report(risPort, 'create', '1.9.5', begun('1.2.9'))).toBe(0);
    expect(await report(test.dicomPort, 'create', '1.9.5', begun('1.2.5'))).toBe(0);
    expect(await report(test.dicomPort, 'set', '1.9.5', done([]))).toBe(0);
    expect(await report(test.dicomPort, 'create', '1.9.6', begun('1.2.6'))).toBe(0);
    await expect.poll(owed, { timeout: 30_000 }).toMatchObject({ waiting: 1, person: 1, sent: 5 });
    expect((await owed()).trouble).toMatch(/0x0111/);
    await admin.send('POST', '/api/schedule/steps', { destination: `RIS@127.0.0.1:${risPort}`, action: 'skip' });
    await expect.poll(owed, { timeout: 30_000 }).toMatchObject({ waiting: 0, person: 0, sent: 6 });
  }, 90_000);
});
