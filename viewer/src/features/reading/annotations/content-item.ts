import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { type Author, element, sequence } from './data-set.ts';

/** A coded concept (PS3.16). */
export interface Code {
  value: string;
  scheme: 'DCM' | 'SCT' | 'LN' | 'UCUM' | 'RFC5646';
  meaning: string;
}

const code = (value: string, scheme: Code['scheme'], meaning: string): Code => ({ value, scheme, meaning });

export const codes = {
  measurementReport: code('126000', 'DCM', 'Imaging Measurement Report'),
  imageLibrary: code('111028', 'DCM', 'Image Library'),
  imageLibraryGroup: code('126200', 'DCM', 'Image Library Group'),
  imagingMeasurements: code('126010', 'DCM', 'Imaging Measurements'),
  measurementGroup: code('125007', 'DCM', 'Measurement Group'),
  trackingIdentifier: code('112039', 'DCM', 'Tracking Identifier'),
  trackingUid: code('112040', 'DCM', 'Tracking Unique Identifier'),
  imageRegion: code('111030', 'DCM', 'Image Region'),
  procedureReported: code('121058', 'DCM', 'Procedure reported'),
  imagingProcedure: code('363679005', 'SCT', 'Imaging procedure'),
  language: code('121049', 'DCM', 'Language of Content Item and Descendants'),
  english: code('en', 'RFC5646', 'English'),
  observerType: code('121005', 'DCM', 'Observer Type'),
  person: code('121006', 'DCM', 'Person'),
  personObserverName: code('121008', 'DCM', 'Person Observer Name'),
  comment: code('121106', 'DCM', 'Comment'),
  derivation: code('121401', 'DCM', 'Derivation'),
  mean: code('373098007', 'SCT', 'Mean'),
  deviation: code('386136009', 'SCT', 'Standard Deviation'),
  minimum: code('255605001', 'SCT', 'Minimum'),
  maximum: code('56851009', 'SCT', 'Maximum'),
  length: code('410668003', 'SCT', 'Length'),
  longAxis: code('103339001', 'SCT', 'Long Axis'),
  shortAxis: code('103340004', 'SCT', 'Short Axis'),
  angle: code('1483009', 'SCT', 'Angle'),
  cobb: code('285285000', 'SCT', 'Cobb angle'),
  area: code('42798000', 'SCT', 'Area'),
  attenuation: code('112031', 'DCM', 'Attenuation Coefficient'),
  suv: code('126401', 'DCM', 'SUVbw'),
  quantity: code('246205007', 'SCT', 'Quantity'),
  ofInterest: code('113000', 'DCM', 'Of Interest'),
  imagingReport: code('18748-4', 'LN', 'Diagnostic imaging report'),
  findings: code('121070', 'DCM', 'Findings'),
  finding: code('121071', 'DCM', 'Finding'),
} as const;

export function codeItem({ value, scheme, meaning }: Code): DicomJson {
  return {
    '00080100': element('SH', value),
    '00080102': element('SH', scheme),
    '00080104': element('LO', meaning),
  };
}

export type Relationship = 'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS CONCEPT MOD' | 'INFERRED FROM' | 'SELECTED FROM';

function item(
  relationship: Relationship | '',
  type: string,
  concept: Code | null,
  value: DicomJson,
  children: DicomJson[] = [],
): DicomJson {
  return {
    ...(relationship && { '0040A010': element('CS', relationship) }),
    '0040A040': element('CS', type),
    ...(concept && { '0040A043': sequence(codeItem(concept)) }),
    ...value,
    ...(children.length > 0 && { '0040A730': sequence(...children) }),
  };
}

/** Content items of structured reports (PS3.3 C.17.3). */
export const contentItem = {
  container: (relationship: Relationship | '', concept: Code, children: DicomJson[], template = '') =>
    item(
      relationship,
      'CONTAINER',
      concept,
      {
        '0040A050': element('CS', 'SEPARATE'),
        ...(template && {
          '0040A504': sequence({ '00080105': element('CS', 'DCMR'), '0040DB00': element('CS', template) }),
        }),
      },
      children,
    ),
  text: (relationship: Relationship, concept: Code, text: string, children: DicomJson[] = []) =>
    item(relationship, 'TEXT', concept, { '0040A160': element('UT', text) }, children),
  code: (relationship: Relationship, concept: Code, value: Code) =>
    item(relationship, 'CODE', concept, { '0040A168': sequence(codeItem(value)) }),
  uid: (relationship: Relationship, concept: Code, uid: string) =>
    item(relationship, 'UIDREF', concept, { '0040A124': element('UI', uid) }),
  person: (relationship: Relationship, concept: Code, name: string) =>
    item(relationship, 'PNAME', concept, { '0040A123': element('PN', { Alphabetic: name }) }),
  number: (concept: Code, value: number, ucum: string, unit: string, children: DicomJson[] = []) =>
    item(
      'CONTAINS',
      'NUM',
      concept,
      {
        '0040A300': sequence({
          '004008EA': sequence(codeItem(code(ucum, 'UCUM', unit))),
          '0040A30A': element('DS', Number(value.toPrecision(9))),
        }),
      },
      children,
    ),
  /** @param data column, row, column, row…; the corner of the first pixel is 0, 0 (PS3.3 C.18.6.1.2) */
  coordinates: (relationship: Relationship, concept: Code | null, type: string, data: number[], image: DicomJson) =>
    item(relationship, 'SCOORD', concept, { '00700022': element('FL', ...data), '00700023': element('CS', type) }, [
      contentItem.image('SELECTED FROM', image),
    ]),
  image: (relationship: Relationship, reference: DicomJson): DicomJson =>
    item(relationship, 'IMAGE', null, { '00081199': sequence(reference) }),
};

/** Who observed (TID 1001, 1003). */
export function observer(author: Author): DicomJson[] {
  return [
    contentItem.code('HAS OBS CONTEXT', codes.observerType, codes.person),
    contentItem.person('HAS OBS CONTEXT', codes.personObserverName, author.name),
  ];
}
