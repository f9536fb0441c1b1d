import { expect, it } from 'vitest';
import type { ArrivalsAnswer } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { startRouter } from '../support/router.ts';
import { keepFiles, smallImage, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.5.1';

it('arrivals show a study whose images wait in the spool while the store is away', async () => {
  const test = await startRouter({
    env: {
      LIFEBOAT_STORE: 's3://images',
      LIFEBOAT_S3_ENDPOINT: 'http://127.0.0.1:9',
      LIFEBOAT_S3_ACCESS_KEY: 'key',
      LIFEBOAT_S3_SECRET_KEY: 'secret',
    },
  });
  try {
    const { archive } = test.router.context;
    for (const file of smallStudy(STUDY, 3)) {
      const reception = archive.beginFile({ via: 'c-store', callingAE: 'CT1' });
      await reception.write(file);
      await reception.finish();
    }
    const modality = await test.loginAs('modality');
    const { rows } = await modality.json<ArrivalsAnswer>('/api/arrivals');
    expect(rows).toMatchObject([
      {
        studyInstanceUID: STUDY,
        patientName: 'Test^Patient',
        callingAE: 'CT1',
        series: [{ seriesInstanceUID: `${STUDY}.1`, modality: 'CT', stored: 0, inSpool: 3 }],
      },
    ]);
    const ready = await fetch(`${test.url}/readyz`);
    expect(ready.status).toBe(200);
  } finally {
    await test.close();
  }
});

it('arrivals show what is stored, and nothing waiting, once it is', async () => {
  const test = await startRouter();
  try {
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 3));
    const { rows } = await (await test.login()).json<ArrivalsAnswer>('/api/arrivals');
    expect(rows).toMatchObject([{ patientName: 'Test^Patient', series: [{ modality: 'CT', stored: 3, inSpool: 0 }] }]);
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    expect(metrics).toContain('lifeboat_received_instances_total{via="import"} 3');
  } finally {
    await test.close();
  }
});

it('arrivals go on while the store is away, from what the catalogue knows', async () => {
  const test = await startRouter();
  try {
    const { archive, access } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 3));
    access.refused({
      channel: 'DIMSE',
      peer: 'CT1@10.0.0.1',
      code: 'SPOOL_FULL',
      message: 'The disk is full.',
      sopInstanceUID: `${STUDY}.1.2`,
    });
    Object.assign(archive, {
      entries: async () => {
        throw new LifeboatError('STORE_UNAVAILABLE', 'The store does not answer.');
      },
    });
    const { rows, refusals } = await (await test.loginAs('modality')).json<ArrivalsAnswer>('/api/arrivals');
    expect(rows).toMatchObject([
      {
        studyInstanceUID: STUDY,
        series: [{ seriesInstanceUID: `${STUDY}.1`, modality: 'CT', stored: 3, inSpool: 0 }],
      },
    ]);
    expect(refusals).toMatchObject([{ cameLater: true }]);
  } finally {
    await test.close();
  }
});

it('arrivals tell modality staff what was refused and why, and when it came after all', async () => {
  const test = await startRouter();
  try {
    const { archive, access } = test.router.context;
    const refused = (sopInstanceUID: string) =>
      access.refused({
        channel: 'DIMSE',
        peer: 'CT1@10.0.0.1',
        code: 'SPOOL_FULL',
        message: 'The disk is full.',
        sopInstanceUID,
      });
    const files = smallStudy(STUDY, 2);
    await keepFiles(archive, files);
    const [row] = await archive.entries(STUDY);
    refused(row!.sopInstanceUID);
    refused('1.2.3.4');
    const { refusals } = await (await test.loginAs('modality')).json<ArrivalsAnswer>('/api/arrivals');
    expect(refusals.map(({ sopInstanceUID, cameLater }) => [sopInstanceUID, cameLater]).sort()).toEqual(
      [
        ['1.2.3.4', false],
        [row!.sopInstanceUID, true],
      ].sort(),
    );
    expect(refusals[0]).toMatchObject({ callingAE: 'CT1', message: 'The disk is full.' });
  } finally {
    await test.close();
  }
});

it('arrivals know after a restart what waits, also by the name of a patient in another script', async () => {
  const away = {
    LIFEBOAT_STORE: 's3://images',
    LIFEBOAT_S3_ENDPOINT: 'http://127.0.0.1:9',
    LIFEBOAT_S3_ACCESS_KEY: 'key',
    LIFEBOAT_S3_SECRET_KEY: 'secret',
  };
  const first = await startRouter({ env: away });
  const patientName = 'Yamada^Tarou=\u5c71\u7530^\u592a\u90ce';
  const reception = first.router.context.archive.beginFile({ via: 'c-store', callingAE: 'MR2' });
  await reception.write(smallImage({ study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.1`, patientName }));
  await reception.finish();
  await first.close({ keepData: true });
  const second = await startRouter({ env: away, dataDir: first.dataDir });
  try {
    const modality = await second.loginAs('modality');
    const rows = async () => (await modality.json<ArrivalsAnswer>('/api/arrivals')).rows;
    await expect.poll(rows, { timeout: 5000 }).toMatchObject([{ callingAE: 'MR2', patientName }]);
  } finally {
    await second.close();
  }
});
