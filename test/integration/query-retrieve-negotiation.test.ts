import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AssociationRequestor } from '../../router/dimse/association-requestor.ts';
import { CommandField } from '../../router/dimse/command-set.ts';
import { writeShortDataSet } from '../../router/dimse/data-set-json.ts';
import { QueryClass } from '../../router/dimse/query-classes.ts';
import { freePort } from '../bench/receivers.ts';
import { keepFiles } from '../support/keep-files.ts';
import { EXPLICIT } from '../support/raw-dimse.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

let lifeboat: TestRouter;
beforeAll(async () => {
  lifeboat = await startRouter({ env: { LIFEBOAT_WORKSTATIONS: `READING1@127.0.0.1:${await freePort()}` } });
  const names = { '1.2.1': 'Müller^Jürgen', '1.2.2': 'Smith^Anna', '1.2.3': '山田^太郎' };
  await keepFiles(
    lifeboat.router.context.archive,
    Object.entries(names).map(([study, patientName]) =>
      smallImage({ study, series: `${study}.1`, sop: `${study}.1.1`, patientName, patientID: study }),
    ),
  );
}, 60_000);
afterAll(() => lifeboat?.close());

/** Raw answers to a query for a name, and what was agreed on before. */
async function ask(name: string, characterSet: string | undefined, asked?: number[]) {
  const model = QueryClass.StudyRootFind;
  const association = await AssociationRequestor.open(
    { host: '127.0.0.1', port: lifeboat.dicomPort, calledAE: lifeboat.aeTitle, callingAE: 'READING1' },
    [{ abstractSyntax: model, transferSyntaxes: [EXPLICIT] }],
    asked ? { extended: [{ sopClass: model, information: Buffer.from(asked) }] } : {},
  );
  const written = writeShortDataSet(
    {
      '00080052': { vr: 'CS', Value: ['STUDY'] },
      '00100010': { vr: 'PN', ...(name && { Value: [{ Alphabetic: name }] }) },
      '0020000D': { vr: 'UI' },
    },
    EXPLICIT,
    '',
  );
  const declared = characterSet && Buffer.from(characterSet.length % 2 ? `${characterSet} ` : characterSet, 'latin1');
  const head = Buffer.from([0x08, 0, 0x05, 0, 0x43, 0x53, declared ? declared.length : 0, 0]);
  const identifier = declared ? Buffer.concat([head, declared, written]) : written;
  const answers: string[] = [];
  const command = { commandField: CommandField.CFindRQ, affectedSOPClassUID: model, priority: 0 };
  for await (const { dataSet } of association.operate(association.contextFor(model)!, command, identifier))
    if (dataSet) answers.push(dataSet.toString('latin1'));
  const agreed = association.extended(model);
  await association.release();
  return { answers, agreed: agreed && [...agreed] };
}

describe('extended negotiation', () => {
  it('agrees to relational queries and fuzzy names, and to nothing else', async () => {
    expect((await ask('', undefined)).agreed).toBeUndefined();
    expect((await ask('', undefined, [1, 1, 1, 1, 1])).agreed).toEqual([1, 0, 1, 0, 0]);
    expect((await ask('', undefined, [0, 0, 0])).agreed).toEqual([0, 0, 0]);
  });

  it('finds a name of which only parts are known when that was agreed on', async () => {
    expect((await ask('anna smith', undefined, [1, 0, 0])).answers).toHaveLength(0);
    const fuzzy = await ask('anna smith', undefined, [1, 0, 1]);
    expect(fuzzy.answers).toHaveLength(1);
  });
});

describe('the character set of answers', () => {
  const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

  it('is the one that the requester declared, where it has every character', async () => {
    const [latin] = (await ask('M*', 'ISO_IR 100')).answers;
    expect(latin).toContain('Müller^Jürgen');
    expect(latin).toContain('ISO_IR 100');
  });

  it('is UTF-8 where it has not, or where the requester reads that', async () => {
    const all = (await ask('', 'ISO_IR 100')).answers.find((answer) => answer.includes(utf8('山田')));
    expect(all).toContain('ISO_IR 192');
    const [unicode] = (await ask('M*', 'ISO_IR 192')).answers;
    expect(unicode).toContain(utf8('Müller^Jürgen'));
  });

  it('is not named to a requester that named none, where all is ASCII', async () => {
    const answers = (await ask('', undefined)).answers;
    expect(answers.find((answer) => answer.includes('Smith^Anna'))).not.toContain('ISO_IR');
    expect(answers.find((answer) => answer.includes(utf8('Müller')))).toContain('ISO_IR 192');
  });
});
