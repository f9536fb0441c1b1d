import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { keywordOf } from './dictionary.ts';

/** XML 1.0 characters; others (control characters, lone surrogates) become U+FFFD. */
function text(value: unknown): string {
  return String(value)
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function personName(value: unknown, number: number): string {
  const groups = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  let xml = `<PersonName number="${number}">`;
  for (const group of ['Alphabetic', 'Ideographic', 'Phonetic']) {
    const name = groups[group];
    if (typeof name !== 'string') continue;
    const names = name.split('^');
    const parts = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix']
      .map((element, i) => (names[i] ? `<${element}>${text(names[i])}</${element}>` : ''))
      .join('');
    xml += `<${group}>${parts}</${group}>`;
  }
  return `${xml}</PersonName>`;
}

function attribute(tag: string, element: DicomJsonElement): string {
  const keyword = keywordOf(tag);
  const named = keyword ? ` keyword="${keyword}"` : '';
  const open = `<DicomAttribute tag="${text(tag)}" vr="${text(element.vr)}"${named}`;
  if (element.InlineBinary !== undefined) {
    return `${open}><InlineBinary>${text(element.InlineBinary)}</InlineBinary></DicomAttribute>`;
  }
  if (element.BulkDataURI !== undefined)
    return `${open}><BulkData uri="${text(element.BulkDataURI)}"/></DicomAttribute>`;
  if (!element.Value || element.Value.length === 0) return `${open}/>`;
  const values = element.Value.map((value, i) => {
    if (element.vr === 'SQ') return `<Item number="${i + 1}">${attributes((value ?? {}) as DicomJson)}</Item>`;
    if (value === null || value === undefined) return '';
    if (element.vr === 'PN') return personName(value, i + 1);
    return `<Value number="${i + 1}">${text(value)}</Value>`;
  });
  return `${open}>${values.join('')}</DicomAttribute>`;
}

function attributes(json: DicomJson): string {
  return Object.keys(json)
    .sort()
    .map((tag) => attribute(tag, json[tag]!))
    .join('');
}

/** Native DICOM Model (PS3.19 A.1) of a DICOM JSON object, for `application/dicom+xml`. */
export function nativeDicomModel(json: DicomJson): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">${attributes(json)}</NativeDicomModel>\n`;
}
