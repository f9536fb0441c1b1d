import { describe, expect, it } from 'vitest';
import { nativeDicomModel } from '../../router/dicomweb/native-model-xml.ts';

describe('Native DICOM Model', () => {
  it('writes names, sequences, bulk data and empty attributes', () => {
    const xml = nativeDicomModel({
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }] },
      '00081140': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.2'] } }] },
      '7FE00010': { vr: 'OW', BulkDataURI: 'http://x/y?a=1&b=2' },
      '00080050': { vr: 'SH' },
    });
    expect(xml).toContain('<DicomAttribute tag="00100010" vr="PN" keyword="PatientName">');
    expect(xml).toContain('<Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic>');
    expect(xml).toContain('<Item number="1"><DicomAttribute tag="00081155"');
    expect(xml).toContain('<BulkData uri="http://x/y?a=1&#38;b=2"/>');
    expect(xml).toContain('<DicomAttribute tag="00080050" vr="SH" keyword="AccessionNumber"/>');
  });

  it('lets no value break out of its element', () => {
    const xml = nativeDicomModel({
      '00081030': { vr: 'LO', Value: ['</Value><script>alert("1")</script>\u0000\u001b]]>'] },
    });
    expect(xml).not.toContain('<script>');
    expect(xml).not.toContain('\u0000');
    expect(xml.match(/<\/Value>/g)).toHaveLength(1);
  });
});
