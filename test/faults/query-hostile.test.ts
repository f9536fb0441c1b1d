import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AssociationRequestor } from '../../router/dimse/association-requestor.ts';
import { CommandField, Status } from '../../router/dimse/command-set.ts';
import { writeShortDataSet } from '../../router/dimse/data-set-json.ts';
import { QueryClass } from '../../router/dimse/query-classes.ts';
import { findStudies } from '../../router/dimse/query-scu.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { ExplicitVRLittleEndian, ImplicitVRLittleEndian } from '../../router/dimse/transfer-syntaxes.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
const STUDIES = 1_200;
let router: TestRouter;
const peer = () => ({ host: '127.0.0.1', port: router.dicomPort, calledAE: router.aeTitle, callingAE: 'READING1' });

function smallInstance(n: number) {
  const sopInstanceUID = `1.2.826.0.1.9.${n}.1.1`;
  const json: DicomJson = {
    '00080016': { vr: 'UI', Value: [SECONDARY_CAPTURE] },
    '00080018': { vr: 'UI', Value: [sopInstanceUID] },
    '00080060': { vr: 'CS', Value: ['OT'] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: `NAME${n}^TEST` }] },
    '00100020': { vr: 'LO', Value: [`ID${n}`] },
    '0020000D': { vr: 'UI', Value: [`1.2.826.0.1.9.${n}`] },
    '0020000E': { vr: 'UI', Value: [`1.2.826.0.1.9.${n}.1`] },
  };
  const bytes = writeShortDataSet(json, ExplicitVRLittleEndian);
  return {
    name: sopInstanceUID,
    sopClassUID: SECONDARY_CAPTURE,
    sopInstanceUID,
    transferSyntaxUID: ExplicitVRLittleEndian,
    size: bytes.length,
    open: async function* () {
      yield bytes;
    },
  };
}

async function open(transferSyntax: string) {
  const model = QueryClass.StudyRootFind;
  const association = await AssociationRequestor.open(peer(), [
    { abstractSyntax: model, transferSyntaxes: [transferSyntax] },
  ]);
  return { association, context: association.contextFor(model)! };
}

const command = { commandField: CommandField.CFindRQ, affectedSOPClassUID: QueryClass.StudyRootFind, priority: 0 };

beforeAll(async () => {
  router = await startRouter({ env: { LIFEBOAT_WORKSTATIONS: 'READING1@127.0.0.1:104' } });
  const instances = Array.from({ length: STUDIES }, (_, n) => smallInstance(n + 1));
  await sendInstances({ ...peer(), callingAE: 'SCANNER', instances });
  await router.router.context.archive.flush();
}, 120_000);
afterAll(() => router.close());

describe('C-FIND from peers that mean harm, or change their mind', () => {
  it('answers every broken identifier with a status and stays associated', async () => {
    const whole = writeShortDataSet(
      {
        '00080052': { vr: 'CS', Value: ['STUDY'] },
        '00100010': { vr: 'PN', Value: [{ Alphabetic: 'NAME1^*' }] },
        '0020000D': { vr: 'UI' },
      },
      ExplicitVRLittleEndian,
    );
    for (const syntax of [ExplicitVRLittleEndian, ImplicitVRLittleEndian]) {
      const { association, context } = await open(syntax);
      let seed = 7;
      const random = (below: number) => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return seed % below;
      };
      for (let round = 0; round < 60; round++) {
        const bytes = Buffer.from(whole);
        for (let n = 0; n < 3; n++) bytes[random(bytes.length)] = random(256);
        const broken = bytes.subarray(0, round % 2 === 0 ? bytes.length : random(bytes.length) & ~1);
        let last: number | undefined;
        for await (const response of association.operate(context, command, broken)) last = response.command.status;
        expect(last).toBeDefined();
      }
      expect(association.over).toBe(false);
      await association.release();
    }
  });

  it('stops after a C-CANCEL and says so; the association goes on', async () => {
    const { association, context } = await open(ExplicitVRLittleEndian);
    const identifier = writeShortDataSet(
      { '00080052': { vr: 'CS', Value: ['STUDY'] }, '0020000D': { vr: 'UI' } },
      ExplicitVRLittleEndian,
    );
    let answers = 0;
    let last: number | undefined;
    // A cancel that comes behind the last answer is too late, lawfully (PS3.4 C.4.1.3.1); on a busy machine that happens.
    for (let attempt = 0; attempt < 20 && last !== Status.Cancel; attempt++) {
      const controller = new AbortController();
      answers = 0;
      for await (const { command: response } of association.operate(context, command, identifier, controller.signal)) {
        if (response.status === Status.Pending) answers++;
        if (answers === 1) controller.abort();
        last = response.status;
      }
    }
    expect(last).toBe(Status.Cancel);
    expect(answers).toBeLessThan(STUDIES);
    let again = 0;
    for await (const _ of association.operate(context, command, identifier)) again++;
    expect(again).toBe(STUDIES + 1);
    await association.release();
  });

  it('serves many at once, each in full', async () => {
    const counts = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const seen = new Set<unknown>();
        for await (const row of findStudies(peer(), {})) seen.add(row['0020000D']?.Value?.[0]);
        return seen.size;
      }),
    );
    expect(counts).toEqual(new Array(12).fill(STUDIES));
  });
});
