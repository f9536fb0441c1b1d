import type { AcknowledgedInstance } from '../../storage/archive-types.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { correctedAttributes } from '../corrections/corrected-attributes.ts';
import type { KnownCorrections, SearchedCatalogue } from '../corrections/corrected-catalogue.ts';
import { matchesItem } from '../worklist/worklist-match.ts';
import { type Identifier, textOf, uidsOf } from './identifier.ts';
import type { Spooled } from './spooled.ts';

const STUDY = '0020000D';
const SERIES = '0020000E';
const INSTANCE = '00080018';
const MODALITIES_IN_STUDY = '00080061';
const COUNTED = { seriesOfStudy: '00201206', instancesOfStudy: '00201208', instancesOfSeries: '00201209' } as const;

/** What is in the spool and not in the catalogue, of one study. */
interface SpooledStudy {
  instances: AcknowledgedInstance[];
  /** By Series Instance UID. */
  series: Map<string, AcknowledgedInstance[]>;
}

/** What the spool has beyond the catalogue, for one query. */
export class SpooledMatches {
  readonly #studies: Map<string, SpooledStudy>;
  readonly #spooled: Spooled;
  readonly #identifier: Identifier;

  private constructor(spooled: Spooled, identifier: Identifier, studies: Map<string, SpooledStudy>) {
    this.#spooled = spooled;
    this.#identifier = identifier;
    this.#studies = studies;
  }

  static async open(spooled: Spooled, catalogue: SearchedCatalogue, identifier: Identifier): Promise<SpooledMatches> {
    const [studies, series, instances] = [STUDY, SERIES, INSTANCE].map((tag) => uidsOf(identifier, tag));
    const within = (uids: readonly string[], uid: string) => uids.length === 0 || uids.includes(uid);
    const list = spooled.list(
      (one) =>
        within(studies!, one.studyInstanceUID) &&
        (identifier.level === 'STUDY' || identifier.level === 'PATIENT' || within(series!, one.seriesInstanceUID)) &&
        (identifier.level !== 'IMAGE' || within(instances!, one.sopInstanceUID)),
    );
    const found = new Map<string, SpooledStudy>();
    for (const study of new Set(list.map(({ studyInstanceUID }) => studyInstanceUID))) {
      const known = new Set((await catalogue.contents(study)).map(({ sopInstanceUID }) => sopInstanceUID));
      const bySop = new Map<string, AcknowledgedInstance>();
      for (const one of list)
        if (one.studyInstanceUID === study && !known.has(one.sopInstanceUID)) bySop.set(one.sopInstanceUID, one);
      if (bySop.size === 0) continue;
      const bySeries = Map.groupBy(bySop.values(), ({ seriesInstanceUID }) => seriesInstanceUID);
      found.set(study, { instances: [...bySop.values()], series: bySeries });
    }
    return new SpooledMatches(spooled, identifier, found);
  }

  /** The row of the catalogue with what is in the spool added to its counts. */
  completed(row: DicomJson): DicomJson {
    const study = this.#studies.get(textOf(row[STUDY]));
    if (!study) return row;
    if (this.#identifier.level === 'STUDY')
      return { ...row, [COUNTED.instancesOfStudy]: added(row, COUNTED.instancesOfStudy, study.instances.length) };
    const series = study.series.get(textOf(row[SERIES]));
    if (this.#identifier.level !== 'SERIES' || !series) return row;
    return { ...row, [COUNTED.instancesOfSeries]: added(row, COUNTED.instancesOfSeries, series.length) };
  }

  /** Rows that only the spool has, those that match, by the corrected patient or the one received. */
  async *rows(corrections?: KnownCorrections): AsyncGenerator<DicomJson> {
    const { level } = this.#identifier;
    const identifier = asItem(this.#identifier);
    for (const [uid, study] of this.#studies) {
      const correction = corrections?.of(uid);
      const chosen = level === 'IMAGE' ? study.instances : [...study.series.values()].map(([first]) => first!);
      const entries = await this.#spooled.describe(chosen);
      const rows = level === 'IMAGE' ? entries.map(rowOf) : level === 'SERIES' ? seriesRows(study, entries) : [];
      const [first] = entries;
      if (first && (level === 'STUDY' || level === 'PATIENT')) rows.push(studyRow(study, entries, first));
      for (const row of rows) {
        const right = correction ? correctedAttributes(row, correction) : row;
        if (matchesItem(identifier, row) || (correction && matchesItem(identifier, right))) yield right;
      }
    }
  }
}

const count = (n: number) => ({ vr: 'IS', Value: [n] });
const added = (row: DicomJson, tag: string, n: number) => count(Number(textOf(row[tag])) + n);

const rowOf = ({ attributes, ...uids }: InstanceEntry): DicomJson => ({
  ...attributes,
  '00080016': { vr: 'UI', Value: [uids.sopClassUID] },
  [INSTANCE]: { vr: 'UI', Value: [uids.sopInstanceUID] },
  [STUDY]: { vr: 'UI', Value: [uids.studyInstanceUID] },
  [SERIES]: { vr: 'UI', Value: [uids.seriesInstanceUID] },
});

const seriesRows = ({ series }: SpooledStudy, entries: readonly InstanceEntry[]): DicomJson[] =>
  entries.map((entry) => ({
    ...rowOf(entry),
    [COUNTED.instancesOfSeries]: count(series.get(entry.seriesInstanceUID)?.length ?? 0),
  }));

const studyRow = (study: SpooledStudy, entries: readonly InstanceEntry[], first: InstanceEntry): DicomJson => ({
  ...rowOf(first),
  [MODALITIES_IN_STUDY]: {
    vr: 'CS',
    Value: [...new Set(entries.map(({ attributes }) => textOf(attributes['00080060'])).filter(Boolean))],
  },
  [COUNTED.seriesOfStudy]: count(study.series.size),
  [COUNTED.instancesOfStudy]: count(study.instances.length),
});

/** The keys as a data set, which is what matching compares with. */
function asItem({ keys, asked }: Identifier): DicomJson {
  const item: DicomJson = {};
  for (const { tag, value } of keys) {
    const [outer = '', inner] = tag.split('.');
    const values = value.split('\\');
    if (inner === undefined) item[outer] = { vr: asked.get(outer) ?? 'LO', Value: values };
    else {
      const nested = (item[outer]?.Value?.[0] ?? {}) as DicomJson;
      item[outer] = { vr: 'SQ', Value: [{ ...nested, [inner]: { vr: 'LO', Value: values } }] };
    }
  }
  return item;
}
