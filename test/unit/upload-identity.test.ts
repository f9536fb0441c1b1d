import { describe, expect, it } from 'vitest';
import { type DataSet, writePart10 } from '../../phantoms/part10-writer.ts';
import { identityOf, patientKey } from '../../viewer/src/features/upload/identity.ts';

const patient: DataSet = {
  '00080005': ['CS', 'ISO_IR 192'],
  '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'],
  '00080018': ['UI', '2.25.1.1.1'],
  '00100010': ['PN', 'Wang^XiaoDong=王^小東'],
  '00100020': ['LO', 'Ä-17'],
  '00100030': ['DA', '19600102'],
  '0020000D': ['UI', '2.25.1'],
  '7FE00010': ['OB', new Uint8Array(200_000)],
};
const identity = {
  patientName: 'Wang^XiaoDong=王^小東',
  patientID: 'Ä-17',
  patientBirthDate: '19600102',
  studyInstanceUID: '2.25.1',
};

const blob = (bytes: Uint8Array) => new Blob([Uint8Array.from(bytes)]);

describe('whose image a file is, told before it is sent', () => {
  it('reads names in their character set', async () => {
    expect(await identityOf(blob(writePart10(patient)))).toEqual(identity);
  });

  it('finds the patient behind a long private element and in a file that breaks off', async () => {
    const far = {
      ...patient,
      '00090010': ['LO', 'MAKER'],
      '00091001': ['OB', new Uint8Array(300_000)],
    } satisfies DataSet;
    const bytes = writePart10(far);
    expect(await identityOf(blob(bytes))).toEqual(identity);
    expect(await identityOf(blob(bytes.subarray(0, 300_900)))).toEqual(identity);
  });

  it('reads a bare data set without preamble', async () => {
    const bytes = writePart10(patient);
    const dataSet = bytes.subarray(Buffer.from(bytes).indexOf(Buffer.from([0x08, 0, 0x05, 0])));
    expect(await identityOf(blob(dataSet))).toEqual(identity);
  });

  it('does not guess where a file does not tell', async () => {
    expect(await identityOf(new Blob(['no DICOM at all, only words'.repeat(20)]))).toBeNull();
    expect(await identityOf(new Blob([]))).toBeNull();
  });

  it('takes spellings that differ in case and empty components for one patient, and another birth date for another', () => {
    const of = (patientName: string, patientBirthDate = '19600102') =>
      patientKey({ ...identity, patientName, patientBirthDate });
    expect(of('DOE^JANE^^^')).toBe(of('Doe^Jane'));
    expect(of('DOE^JANE')).not.toBe(of('DOE^JANE', '19600103'));
    expect(of('DOE^JANE')).not.toBe(of('DOE^JUNE'));
  });
});
