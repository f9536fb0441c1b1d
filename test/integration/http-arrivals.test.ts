import { expect, it } from 'vitest';
import type { ArrivalsAnswer } from '../../contract/api.ts';
import { startRouter } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

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
        callingAE: 'CT1',
        series: [{ seriesInstanceUID: `${STUDY}.1`, stored: 0, inSpool: 3 }],
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
