import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { sampleStudies } from '../../phantoms/sample-studies.ts';
import { manifestKey, manifestPrefix, metadataKeyOf, ulid } from '../../storage/keys.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { chromiumAvailable, startBrowser, type TestBrowser, useCookie } from '../support/browser.ts';
import { keepFiles } from '../support/keep-files.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';

const seen = process.env['LIFEBOAT_TEST_PICTURES'];
const LONG_AGO = Date.UTC(2010, 0, 1);

/** Writes a study's segments as though it had been received long ago. */
async function makeOld(store: ObjectStore, studyInstanceUID: string): Promise<void> {
  for await (const { key } of store.list(manifestPrefix(studyInstanceUID))) {
    const old = manifestKey(studyInstanceUID, ulid(LONG_AGO));
    const text = gunzipSync(await store.get(key)).toString('utf8');
    const aged = text
      .replace(/"(receivedAt|createdAt)":"[^"]+"/g, `"$1":"${new Date(LONG_AGO).toISOString()}"`)
      .replace(/"00080020":\{"vr":"DA","Value":\["\d{8}"\]\}/g, '"00080020":{"vr":"DA","Value":["20091231"]}');
    await store.put(metadataKeyOf(old), await store.get(metadataKeyOf(key)));
    await store.put(old, gzipSync(aged));
    await store.delete(key);
    await store.delete(metadataKeyOf(key));
  }
}

describe.skipIf(!chromiumAvailable())('what keeps images from being erased, in a browser', () => {
  let router: TestRouter;
  let admin: Browser;
  let browser: TestBrowser;
  let page: Page;
  let studies: string[];

  const shows = async (wanted: string | RegExp) => {
    await page.getByText(wanted).first().waitFor({ timeout: 20_000 });
  };
  const picture = async (name: string) => {
    if (!seen) return;
    for (const [width, height] of [
      [2560, 1440],
      [1366, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(seen, `${name}-${width}.png`), fullPage: true });
    }
  };

  beforeAll(async () => {
    router = await startRouter({
      viewerDir: process.env['LIFEBOAT_TEST_VIEWER'],
      env: { LIFEBOAT_LOG_LEVEL: 'silent' },
    });
    const { archive } = router.router.context;
    for (const study of sampleStudies({ scale: 0.05 })) await keepFiles(archive, study.instances());
    await archive.flush();
    studies = await archive.catalogue.studyUIDs();
    for (const uid of studies.slice(0, 2)) await makeOld(archive.store, uid);
    writeFileSync(
      join(router.dataDir, 'retention.yaml'),
      'rules:\n  - name: after twelve years\n    olderThanDays: 4383\n',
    );
    await router.router.retention.watch.lookAtAll();
    admin = await router.login();
    browser = await startBrowser();
    await useCookie(browser.context, router.url, admin.cookie);
    page = await browser.page();
  });
  afterAll(async () => {
    await browser?.close();
    await router?.close();
  });

  it('says that a folder can be erased, and what to do', async () => {
    await page.goto(`${router.url}/integrity`);
    await shows('Can it be erased?');
    await shows('yes, it is a folder');
    await shows(/Set LIFEBOAT_REPLICA to a bucket with object lock/);
    await shows('Vanishing images');
  });

  it('makes a dry run: who would go, who is kept and why', async () => {
    await shows('after twelve years: every modality, older than 4,383 days, only what the PACS has confirmed');
    await page.getByRole('button', { name: 'Make a dry run' }).click();
    await shows('Nothing would go.');
    await shows('2 studies are kept although a rule is about them.');
    await shows(/the PACS has not confirmed \d+ of \d+ images/);
    await picture('retention-plan');
  });

  it('holds a study with a reason, and ends that', async () => {
    await page.goto(`${router.url}/integrity?study=${studies[0]}`);
    await shows('This study is not held.');
    await page.getByLabel('Reason, for instance a court’s file number').fill('court 12/26');
    await page.getByRole('button', { name: 'Hold this study' }).click();
    await shows(/This study is held since .* by admin: court 12\/26\. No rule removes it\./);
    await picture('retention-hold');
    await page.getByLabel('Reason, for instance a court’s file number').fill('settled');
    await page.getByRole('button', { name: 'End the hold' }).click();
    await shows('This study is not held.');
  });

  it('tells IT, and only IT, when images vanish, until somebody has looked into it', async () => {
    const { archive } = router.router.context;
    let gone = 0;
    for (const uid of studies)
      for (const { key } of await archive.entries(uid)) {
        if (gone++ >= 12) break;
        rmSync(join(router.dataDir, 'store', key));
      }
    await router.router.retention.watch.lookAtAll();
    await page.goto(`${router.url}/integrity`);
    await shows(/^12 images were deleted or written over in the store since .* Look at the page Integrity now\.$/);
    await shows('12 deleted or written over');
    await picture('retention-alarm');
    await page.getByRole('button', { name: 'I have looked into it' }).click();
    await shows(/^Last alert: .*, looked into by admin\.$/);
    // the banner follows the status, which is told every few seconds
    await page.getByText(/Look at the page Integrity now/).waitFor({ state: 'detached', timeout: 20_000 });
  });
});
