import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ScheduleAnswer } from '../../contract/ris.ts';
import { readShortDataSet } from '../../router/dimse/data-set-json.ts';
import { firstText, stepOf } from '../../router/worklist/worklist-fields.ts';
import { dayOf } from '../../router/worklist/worklist-store.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';
import { FileRis, hasWlmscpfs, type Order } from '../support/wlmscpfs.ts';

const run = promisify(execFile);
const today = dayOf(new Date());
const tomorrow = dayOf(new Date(), 1);

const orders: Order[] = [
  {
    name: 'Müller^Jörg',
    id: 'P1',
    accession: 'A1',
    study: '1.2.3.1',
    station: 'CT1',
    modality: 'CT',
    date: today,
    time: '080000',
  },
  {
    name: 'Smith^Ann',
    id: 'P2',
    accession: 'A2',
    study: '1.2.3.2',
    station: 'CT1',
    modality: 'CT',
    date: today,
    time: '143000',
  },
  {
    name: 'Smithson^Bea',
    id: 'P3',
    accession: 'A3',
    study: '1.2.3.3',
    station: 'MR1',
    modality: 'MR',
    date: tomorrow,
    time: '090000',
  },
  {
    name: '山田^太郎',
    id: 'P4',
    accession: 'A4',
    study: '1.2.3.4',
    station: 'US1',
    modality: 'US',
    date: tomorrow,
    time: '100000',
    charset: 'ISO_IR 192',
  },
];

describe.skipIf(!hasWlmscpfs)('the worklist of the RIS, given to scanners', () => {
  let folder: string;
  let ris: FileRis;
  let test: TestRouter;
  let admin: Browser;
  let found = 0;

  const start = async (dataDir?: string) => {
    test = await startRouter({
      config: { ris: { aeTitle: 'RIS', host: '127.0.0.1', port: ris.port, everyMs: 300, days: 7 } },
      ...(dataDir && { dataDir }),
    });
    admin = await test.login();
  };

  /** Answers to findscu -W, and their bytes. */
  async function find(keys: string[], extra: string[] = []): Promise<{ rows: DicomJson[]; bytes: Buffer[] }> {
    const out = join(folder, `out-${found++}`);
    mkdirSync(out);
    const always = ['PatientName', 'PatientID', 'AccessionNumber', 'StudyInstanceUID', 'RequestedProcedureDescription'];
    const step = [
      'Modality',
      'ScheduledStationAETitle',
      'ScheduledProcedureStepStartDate',
      'ScheduledProcedureStepStartTime',
    ];
    const args = [...always, ...step.map((name) => `ScheduledProcedureStepSequence[0].${name}`), ...keys].flatMap(
      (key) => ['-k', key],
    );
    await run('findscu', [
      '-W',
      '-X',
      '-od',
      out,
      '-aet',
      'CT1',
      '-aec',
      test.aeTitle,
      ...extra,
      '127.0.0.1',
      String(test.dicomPort),
      ...args,
    ]);
    const bytes = readdirSync(out)
      .sort()
      .map((name) => readFileSync(join(out, name)));
    const rows = bytes.map((file) => {
      const header = parseFileHeader(file, true)!;
      return readShortDataSet(file.subarray(header.dataSetOffset), header.transferSyntaxUID!);
    });
    return { rows, bytes };
  }
  const ids = async (keys: string[]) => (await find(keys)).rows.map((row) => firstText(row['00100020'])).sort();
  const step = (name: string) => `ScheduledProcedureStepSequence[0].${name}`;
  const schedule = () => admin.json<ScheduleAnswer>(`/api/schedule?from=${today}&to=${tomorrow}`);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-worklist-'));
    ris = await FileRis.start(join(folder, 'ris'));
    ris.orders(orders);
    await start();
    await vi.waitFor(async () => expect((await schedule()).ris.state).toBe('answers'), { timeout: 30_000 });
  }, 120_000);
  afterAll(async () => {
    await test?.close();
    await ris?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is answered by modality, scanner, day and time, and name', async () => {
    expect(await ids([])).toEqual(['P1', 'P2', 'P3', 'P4']);
    const range = [
      `${step('ScheduledProcedureStepStartDate')}=${today}-${tomorrow}`,
      `${step('ScheduledProcedureStepStartTime')}=120000-093000`,
    ];
    expect(await ids(range)).toEqual(['P2', 'P3']);
    expect(await ids([`${step('ScheduledStationAETitle')}=CT1`, 'PatientName=smith*'])).toEqual(['P2']);
  });

  it('has all that the RIS said, and names in a character set that an old scanner can read', async () => {
    const { rows, bytes } = await find(['PatientID=P1', 'PatientSex', 'PatientBirthDate']);
    const [row] = rows;
    expect(firstText(row!['00100010'])).toBe('Müller^Jörg');
    expect(bytes[0]!.includes('ISO_IR 100')).toBe(true);
    expect(bytes[0]!.includes(Buffer.from('Müller^Jörg', 'latin1'))).toBe(true);
    expect(firstText(row!['00100030'])).toBe('19600102');
    expect(firstText(row!['0020000D'])).toBe('1.2.3.1');
    expect(firstText(stepOf(row!)['00400003'])).toBe('080000');
    expect((await find(['PatientID=P2'])).bytes[0]!.includes('ISO_IR')).toBe(false);
    expect(firstText((await find(['PatientID=P4'])).rows[0]!['00100010'])).toBe('山田^太郎');
    const asked = await find(['PatientID=P1', 'SpecificCharacterSet=ISO_IR 192']);
    expect(asked.bytes[0]!.includes('ISO_IR 192')).toBe(true);
    expect(firstText(asked.rows[0]!['00100010'])).toBe('Müller^Jörg');
    expect((await find(['PatientID=P1'], ['-xi'])).rows).toHaveLength(1);
  });

  it('follows the RIS: what is cancelled is told no more, what is moved is told anew', async () => {
    ris.orders([{ ...orders[0]!, time: '111500' }, ...orders.slice(2)]);
    await expect.poll(() => ids([]), { timeout: 30_000 }).toEqual(['P1', 'P3', 'P4']);
    const { rows } = await find(['PatientID=P1']);
    expect(firstText(stepOf(rows[0]!)['00400003'])).toBe('111500');
    ris.orders(orders);
    await expect.poll(() => ids([]), { timeout: 30_000 }).toHaveLength(4);
  }, 90_000);

  it('is changed by hand, and changed back', async () => {
    const { id } = (await schedule()).rows.find((row) => row.patientID === 'P2')!;
    const changed = await admin.send('PATCH', `/api/schedule/${id}?from=${today}&to=${tomorrow}`, {
      fields: { stationAETitle: 'CT2', patientName: 'Smith^Anna' },
    });
    const row = ((await changed.json()) as ScheduleAnswer).rows.find((one) => one.id === id);
    expect(row).toMatchObject({ edited: expect.arrayContaining(['stationAETitle', 'patientName']), editedBy: 'admin' });
    expect(await ids([`${step('ScheduledStationAETitle')}=CT2`])).toEqual(['P2']);
    expect(firstText((await find(['PatientID=P2'])).rows[0]!['00100010'])).toBe('Smith^Anna');
    expect((await admin.send('DELETE', `/api/schedule/${id}`)).status).toBe(200);
    expect(firstText((await find(['PatientID=P2'])).rows[0]!['00100010'])).toBe('Smith^Ann');
    const wrong = await admin.send('PATCH', `/api/schedule/${id}`, { fields: { patientName: 'a\\b' } });
    expect(wrong.status).toBe(400);
  });

  it('is given while the RIS is away and after a restart, with its age; an unscheduled patient is in it at once', async () => {
    await ris.stop();
    await test.close({ keepData: true });
    await start(test.dataDir);
    await expect.poll(async () => (await schedule()).ris.state, { timeout: 20_000 }).toBe('away');
    const { ris: state } = await schedule();
    expect(state.answeredAt).toMatch(/^\d{4}-/);
    expect(state.trouble).toMatch(/refused/);
    expect(await ids([])).toEqual(['P1', 'P2', 'P3', 'P4']);

    const made = await admin.send('POST', '/api/schedule', {
      unscheduled: true,
      fields: { modality: 'CT', stationAETitle: 'CT1', patientSex: 'M', description: 'Head, trauma' },
      note: 'found at the station',
    });
    const { unscheduled } = (await made.json()) as ScheduleAnswer;
    expect(unscheduled).toMatchObject([{ note: 'found at the station', by: 'admin', images: 0, resolvedAt: null }]);
    const { rows } = await find([`${step('ScheduledStationAETitle')}=CT1`]);
    const told = rows.find((row) => firstText(row['00100020']) === unscheduled[0]!.patientID)!;
    expect(firstText(told['00080050'])).toBe(unscheduled[0]!.accessionNumber);
    expect(unscheduled[0]!.accessionNumber.length).toBeLessThanOrEqual(16);
    expect(firstText(told['0020000D'])).toBe(unscheduled[0]!.studyInstanceUID);
    expect(firstText(told['00100010'])).toMatch(/^UNKNOWN\^/);
    const { unscheduled: open } = test.router.context.ris!;
    expect(open.open({ studyInstanceUID: '1.2', patientID: unscheduled[0]!.patientID })?.id).toBe(unscheduled[0]!.id);
    await admin.send('POST', `/api/schedule/unscheduled/${unscheduled[0]!.id}`, { to: 'order A77' });
    expect((await schedule()).unscheduled[0]).toMatchObject({ resolvedTo: 'order A77', resolvedBy: 'admin' });
    expect(open.open({ studyInstanceUID: unscheduled[0]!.studyInstanceUID })).toBeUndefined();

    await ris.resume();
    await expect.poll(async () => (await schedule()).ris.state, { timeout: 30_000 }).toBe('answers');
    expect((await find([])).rows).toHaveLength(5);
  }, 90_000);
});
