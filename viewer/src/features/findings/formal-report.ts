import type { DicomJson, DicomJsonElement } from '../../../../storage/format/manifest.ts';
import { newUid } from '../../shared/new-uid.ts';
import { itemsOf, textOf } from './json.ts';

/** Series Description of ticks: what they are listed by. */
export const REPORTED_SERIES = 'Finding formally reported';

/** Who has ticked a finding; DA and TM. */
export interface Reported {
  by: string;
  date: string;
  time: string;
}

const element = (vr: string, ...values: unknown[]): DicomJsonElement =>
  values.length > 0 ? { vr, Value: values } : { vr };
const code = (value: string, scheme: string, meaning: string): DicomJsonElement =>
  element('SQ', {
    '00080100': element('SH', value),
    '00080102': element('SH', scheme),
    '00080104': element('LO', meaning),
  });
const item = (relationship: string, type: string, concept: DicomJsonElement, value: DicomJson): DicomJson => ({
  '0040A010': element('CS', relationship),
  '0040A040': element('CS', type),
  '0040A043': concept,
  ...value,
});

const OBSERVER = '121008';
/** What the tick has in common with the finding: patient, study, equipment. */
const inherited = [
  ['00080016', '00080020', '00080030', '00080050', '00080060', '00080070', '00080090', '00081030', '00081090'],
  ['00081111', '00100010', '00100020', '00100021', '00100030', '00100040', '00101010', '0020000D', '00200010'],
].flat();

const two = (value: number) => String(value).padStart(2, '0');

/**
 * A document that says that the formal report of a provisional finding is out: a Basic Text SR that names the finding as its
 * predecessor (PS3.3 C.17.2, Predecessor Documents Sequence). The finding itself stays as it is.
 * @param finding the whole document @param by as the person is signed in @param at local time of this computer
 */
export function formalReportOf(finding: DicomJson, text: string, by: string, at: Date): DicomJson {
  const date = element('DA', `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`);
  const time = element('TM', `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`);
  const own: DicomJson = {};
  for (const tag of inherited) if (finding[tag]) own[tag] = finding[tag];
  return {
    ...own,
    '00080012': date,
    '00080013': time,
    '00080018': element('UI', newUid()),
    '00080021': date,
    '00080031': time,
    '00080023': date,
    '00080033': time,
    '0008103E': element('LO', REPORTED_SERIES),
    '0020000E': element('UI', newUid()),
    '00200011': element('IS', 9802),
    '00200013': element('IS', 1),
    '0040A360': element('SQ', {
      '0020000D': element('UI', textOf(finding, '0020000D')),
      '00081115': element('SQ', {
        '0020000E': element('UI', textOf(finding, '0020000E')),
        '00081199': element('SQ', {
          '00081150': element('UI', textOf(finding, '00080016')),
          '00081155': element('UI', textOf(finding, '00080018')),
        }),
      }),
    }),
    '0040A372': element('SQ'),
    '0040A491': element('CS', 'COMPLETE'),
    '0040A493': element('CS', 'UNVERIFIED'),
    '0040A040': element('CS', 'CONTAINER'),
    '0040A043': code('18748-4', 'LN', 'Diagnostic imaging report'),
    '0040A050': element('CS', 'SEPARATE'),
    '0040A730': element(
      'SQ',
      item('HAS CONCEPT MOD', 'CODE', code('121049', 'DCM', 'Language of Content Item and Descendants'), {
        '0040A168': code('en', 'RFC5646', 'English'),
      }),
      item('HAS OBS CONTEXT', 'CODE', code('121005', 'DCM', 'Observer Type'), {
        '0040A168': code('121006', 'DCM', 'Person'),
      }),
      item('HAS OBS CONTEXT', 'PNAME', code(OBSERVER, 'DCM', 'Person Observer Name'), {
        '0040A123': element('PN', { Alphabetic: by }),
      }),
      item('CONTAINS', 'CONTAINER', code('121070', 'DCM', 'Findings'), {
        '0040A050': element('CS', 'SEPARATE'),
        '0040A730': element(
          'SQ',
          item('CONTAINS', 'TEXT', code('121071', 'DCM', 'Finding'), { '0040A160': element('UT', text) }),
        ),
      }),
    ),
  };
}

/** Findings (SOP Instance UIDs) that documents say are formally reported; the first to say so counts. */
export function reportedIn(documents: readonly DicomJson[]): Map<string, Reported> {
  const found = new Map<string, Reported>();
  for (const document of documents) {
    if (textOf(document, '0008103E') !== REPORTED_SERIES) continue;
    const observer = itemsOf(document, '0040A730').find(
      (one) => textOf(itemsOf(one, '0040A043')[0] ?? {}, '00080100') === OBSERVER,
    );
    const date = textOf(document, '00080023');
    const time = textOf(document, '00080033');
    const references = itemsOf(document, '0040A360')
      .flatMap((study) => itemsOf(study, '00081115'))
      .flatMap((series) => itemsOf(series, '00081199'));
    for (const reference of references) {
      const uid = textOf(reference, '00081155');
      const before = found.get(uid);
      if (!before || `${date}${time}` < `${before.date}${before.time}`)
        found.set(uid, { by: textOf(observer ?? {}, '0040A123'), date, time });
    }
  }
  return found;
}
