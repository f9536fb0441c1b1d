import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FindingRow, RepairRow } from '../../contract/integrity.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { buildFileHeader } from '../../storage/format/part10.ts';
import { freePort } from '../bench/receivers.ts';
import { STUDY, slice } from '../support/archive.ts';
import { CT } from '../support/build-data-set.ts';
import { hasOrthanc, TestOrthanc } from '../support/orthanc.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';

const sopOf = (number: number) => `${STUDY}.1.${number}`;

async function send(port: number, calledAE: string, callingAE: string, number: number, pixel = number): Promise<void> {
  const { sop, bytes } = slice(number, pixel);
  const { failed } = await sendInstances({
    host: '127.0.0.1',
    port,
    calledAE,
    callingAE,
    instances: [
      {
        name: sop,
        sopClassUID: CT,
        sopInstanceUID: sop,
        transferSyntaxUID: '1.2.840.10008.1.2.1',
        size: bytes.length,
        open: async function* () {
          yield bytes;
        },
      },
    ],
  });
  expect(failed).toBe(0);
}

const MISSING = 1;
const FLIPPED = 2;
/** The PACS has another content of this one, and none of that one; this one came here as a file with a header of its own. */
const COERCED = 3;
const NEVER_SENT = 4;
const FOREIGN = 5;

describe.skipIf(!hasOrthanc).each([
  ['by C-MOVE to ourselves', 'C-MOVE', false],
  ['by WADO-RS', 'WADO-RS', true],
])('repair from the PACS %s', (_, way, web) => {
  let folder: string;
  let orthanc: TestOrthanc;
  let router: TestRouter;
  let session: Browser;
  let entries: Map<string, InstanceEntry>;
  let findings: FindingRow[] = [];
  const pathOf = (number: number) => join(router.dataDir, 'store', entries.get(sopOf(number))!.key);
  const findingOf = (number: number) => findings.find(({ sopInstanceUID }) => sopInstanceUID === sopOf(number))!;
  const repair = async (number: number) => {
    const answer = await session.send('POST', `/api/integrity/findings/${findingOf(number).id}/repair`);
    return (await answer.json()) as RepairRow;
  };
  const hashOf = (number: number) =>
    createHash('sha256')
      .update(readFileSync(pathOf(number)))
      .digest('hex');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-repair-pacs-'));
    const dicomPort = await freePort();
    orthanc = await TestOrthanc.start({ folder, sendsTo: [{ aeTitle: 'LIFEBOAT', port: dicomPort }] });
    router = await startRouter({
      env: {
        LIFEBOAT_DICOM_PORT: String(dicomPort),
        ...(web ? { LIFEBOAT_PACS_DICOMWEB: `${orthanc.rest}/dicom-web` } : { LIFEBOAT_PACS: orthanc.address }),
      },
      config: { integrity: { scrubBytesPerSecond: 1e9, scrubEveryMs: 86_400_000, tickMs: 50, repairAuto: false } },
    });
    session = await router.login();
    for (const number of [MISSING, FLIPPED, COERCED, NEVER_SENT]) {
      await send(dicomPort, 'LIFEBOAT', 'CT1', number);
      if (number !== NEVER_SENT) await send(orthanc.port, 'PACS', 'CT1', number, number === COERCED ? 77 : number);
    }
    const { archive } = router.router.context;
    const foreign = archive.beginFile({ via: 'import' });
    const header = buildFileHeader({
      sopClassUID: CT,
      sopInstanceUID: sopOf(FOREIGN),
      transferSyntaxUID: '1.2.840.10008.1.2.1',
    });
    header.set(Buffer.from('A SCANNER WROTE THIS PREAMBLE'));
    await foreign.write(header);
    await foreign.write(slice(FOREIGN).bytes);
    await foreign.finish();
    await send(orthanc.port, 'PACS', 'CT1', FOREIGN);
    await archive.flush();
    entries = new Map((await archive.entries(STUDY)).map((entry) => [entry.sopInstanceUID, entry]));
    for (const number of [MISSING, COERCED, NEVER_SENT, FOREIGN]) rmSync(pathOf(number));
    const bytes = readFileSync(pathOf(FLIPPED));
    bytes[bytes.length - 1]! ^= 1;
    rmSync(pathOf(FLIPPED));
    writeFileSync(pathOf(FLIPPED), bytes);
    await session.send('POST', '/api/integrity/pass');
    for (let look = 0; look < 300 && findings.length < 5; look++) {
      await new Promise((wait) => setTimeout(wait, 200));
      findings = await session.json<FindingRow[]>('/api/integrity/findings');
    }
    expect(findings.map(({ kind }) => kind).sort()).toEqual(['flipped', 'missing', 'missing', 'missing', 'missing']);
  }, 180_000);
  afterAll(async () => {
    await router?.close();
    await orthanc?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('puts back what is missing and what has a flipped bit, byte for byte, and says from where', async () => {
    for (const number of [MISSING, FLIPPED]) {
      const row = await repair(number);
      expect(row).toMatchObject({ outcome: 'repaired', source: expect.stringContaining(way), by: 'admin' });
      expect(hashOf(number)).toBe(entries.get(sopOf(number))!.sha256);
    }
    const repairs = await session.json<RepairRow[]>('/api/integrity/repairs');
    expect(repairs.filter(({ outcome }) => outcome === 'repaired')).toHaveLength(2);
  });

  it('does not take another content for the one that is missing, nor into the archive', async () => {
    const row = await repair(COERCED);
    expect(row).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('another content') });
    await router.router.context.archive.flush();
    const contents = await router.router.context.archive.entries(STUDY);
    expect(contents.filter(({ sopInstanceUID }) => sopInstanceUID === sopOf(COERCED))).toHaveLength(1);
  });

  it('says by patient what the PACS does not have, or has without the header that stood here', async () => {
    expect(await repair(NEVER_SENT)).toMatchObject({ outcome: 'failed' });
    const foreign = await repair(FOREIGN);
    expect(foreign).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('cannot be made again') });
    const open = await session.json<FindingRow[]>('/api/integrity/findings?state=open');
    expect(open.map(({ sopInstanceUID }) => sopInstanceUID).sort()).toEqual([COERCED, NEVER_SENT, FOREIGN].map(sopOf));
    for (const { patientID, patientName } of open) expect([patientID, patientName]).toEqual(['P1', 'Doe^Jane']);
  });

  it('goes on receiving other images of the PACS meanwhile', async () => {
    await send(router.dicomPort, 'LIFEBOAT', 'PACS', 6);
    await router.router.context.archive.flush();
    const contents = await router.router.context.archive.entries(STUDY);
    expect(contents.map(({ sopInstanceUID }) => sopInstanceUID)).toContain(sopOf(6));
  });
});
