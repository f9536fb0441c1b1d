import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { formatDate, formatDateTime, formatPersonName, formatTime } from '../../../shared/format.ts';
import { itemsOf, numbersOf, textOf, textsOf } from '../study/dicom-json.ts';

/** An object that a report points at (PS3.3 C.17.3, C.18.3 to C.18.5). */
export interface ReportReference {
  sopClassUID: string;
  sopInstanceUID: string;
  /** Frames, from 1; [] for the whole object. */
  frames: number[];
}

/** One content item of a report, as text. */
export interface ReportItem {
  /** Value Type (0040,A040): CONTAINER, TEXT, NUM, … */
  type: string;
  /** Meaning of the concept name; '' where it has none. */
  name: string;
  /** The value in words; '' for containers. */
  value: string;
  /** How it belongs to the item above: 'CONTAINS', 'HAS CONCEPT MOD', … */
  relationship: string;
  references: ReportReference[];
  children: ReportItem[];
}

/** A structured report as a document. */
export interface Report {
  title: string;
  /** Name and value of what stands above the text: dates, persons, states. */
  head: [name: string, value: string][];
  /** What whoever reads it must know: not verified, partial. */
  warnings: ('unverified' | 'partial' | 'preliminary')[];
  items: ReportItem[];
}

/** Deeper than any template; beyond it a report is made to trouble its readers. */
const MAX_DEPTH = 64;

/** Meaning of a code, or its value where the meaning is empty. */
function meaningOf(attributes: DicomJson, tag: string): string {
  const code = itemsOf(attributes, tag)[0];
  if (!code) return '';
  return textOf(code, '00080104') || textOf(code, '00080100') || textOf(code, '00080119') || textOf(code, '00080120');
}

function referencesOf(item: DicomJson): ReportReference[] {
  return itemsOf(item, '00081199').map((reference) => ({
    sopClassUID: textOf(reference, '00081150'),
    sopInstanceUID: textOf(reference, '00081155'),
    frames: numbersOf(reference, '00081160'),
  }));
}

function numericValue(item: DicomJson): string {
  const measured = itemsOf(item, '0040A300')[0];
  if (!measured) return meaningOf(item, '0040A301') || 'no value';
  const unit = itemsOf(measured, '004008EA')[0];
  const code = unit ? textOf(unit, '00080100') : '';
  const name = unit && (code === '' || /^[{]|^1$/.test(code)) ? textOf(unit, '00080104') : code;
  const shown = name === 'no units' || code === '1' ? '' : name;
  return [textOf(measured, '0040A30A'), shown].filter(Boolean).join(' ');
}

function coordinatesText(item: DicomJson): string {
  const numbers = numbersOf(item, '00700022');
  const count = textOf(item, '0040A040') === 'SCOORD3D' ? numbers.length / 3 : numbers.length / 2;
  return `${textOf(item, '00700023').toLowerCase()}, ${Math.floor(count)} ${count === 1 ? 'point' : 'points'}`;
}

function valueText(item: DicomJson, type: string): string {
  switch (type) {
    case 'TEXT':
      return textOf(item, '0040A160');
    case 'CODE':
      return meaningOf(item, '0040A168');
    case 'NUM':
      return numericValue(item);
    case 'PNAME':
      return formatPersonName(textOf(item, '0040A123'));
    case 'DATE':
      return formatDate(textOf(item, '0040A121'));
    case 'TIME':
      return formatTime(textOf(item, '0040A122'));
    case 'DATETIME':
      return formatDateTime(textOf(item, '0040A120'));
    case 'UIDREF':
      return textOf(item, '0040A124');
    case 'SCOORD':
    case 'SCOORD3D':
      return coordinatesText(item);
    case 'TCOORD':
      return [textOf(item, '0040A130').toLowerCase(), ...textsOf(item, '0040A13A')].filter(Boolean).join(' ');
    default:
      return '';
  }
}

function itemOf(item: DicomJson, depth: number): ReportItem {
  const pointer = textsOf(item, '0040DB73');
  const type = textOf(item, '0040A040').toUpperCase();
  return {
    type: type || (pointer.length > 0 ? 'REFERENCE' : ''),
    name: meaningOf(item, '0040A043'),
    value: pointer.length > 0 && type === '' ? `see item ${pointer.join('.')}` : valueText(item, type),
    relationship: textOf(item, '0040A010').toUpperCase(),
    references: referencesOf(item),
    children: depth < MAX_DEPTH ? itemsOf(item, '0040A730').map((child) => itemOf(child, depth + 1)) : [],
  };
}

/** Every object that the items point at, each once. */
export function referencesIn(items: readonly ReportItem[]): ReportReference[] {
  const found = new Map<string, ReportReference>();
  const walk = (item: ReportItem) => {
    for (const reference of item.references) {
      const key = `${reference.sopInstanceUID}#${reference.frames.join(',')}`;
      if (!found.has(key)) found.set(key, reference);
    }
    item.children.forEach(walk);
  };
  items.forEach(walk);
  return [...found.values()];
}

/**
 * Lays out an SR document or a key object selection for reading (PS3.3 C.17.2, C.17.3, C.17.6).
 * @param metadata the whole data set
 */
export function reportOf(metadata: DicomJson): Report {
  const warnings: Report['warnings'] = [];
  if (textOf(metadata, '0040A493') === 'UNVERIFIED') warnings.push('unverified');
  if (textOf(metadata, '0040A491') === 'PARTIAL') warnings.push('partial');
  if (textOf(metadata, '0040A496') === 'PRELIMINARY') warnings.push('preliminary');
  const authors = itemsOf(metadata, '0040A078').map((author) => formatPersonName(textOf(author, '0040A123')));
  const verifiers = itemsOf(metadata, '0040A073').map((verifier) =>
    [
      formatPersonName(textOf(verifier, '0040A075')),
      textOf(verifier, '0040A027'),
      formatDateTime(textOf(verifier, '0040A030')),
    ]
      .filter(Boolean)
      .join(', '),
  );
  const when = [formatDate(textOf(metadata, '00080023')), formatTime(textOf(metadata, '00080033'))];
  const head: [string, string][] = [
    ['Patient', formatPersonName(textOf(metadata, '00100010'))],
    ['Patient ID', textOf(metadata, '00100020')],
    ['Born', formatDate(textOf(metadata, '00100030'))],
    ['Study', [formatDate(textOf(metadata, '00080020')), textOf(metadata, '00081030')].filter(Boolean).join(' ')],
    ['Accession number', textOf(metadata, '00080050')],
    ['Written', when.filter(Boolean).join(' ')],
    ['Author', authors.filter(Boolean).join('; ')],
    ['Verified by', verifiers.filter(Boolean).join('; ')],
    ['Institution', textOf(metadata, '00080080')],
  ];
  return {
    title: meaningOf(metadata, '0040A043') || textOf(metadata, '0008103E') || 'Report',
    head: head.filter(([, value]) => value !== ''),
    warnings,
    items: itemsOf(metadata, '0040A730').map((item) => itemOf(item, 1)),
  };
}
