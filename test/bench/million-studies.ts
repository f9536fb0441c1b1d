/** Makes a catalogue of many studies, the same for the same number: names of several scripts, 15 years, usual modalities. */
import { DatabaseSync } from 'node:sqlite';
import { rankBase } from '../../storage/catalogue/rank.ts';
import { studyValues } from '../../storage/catalogue/rows.ts';
import { SCHEMA_VERSION, SQLITE_INDEXES, SQLITE_TABLES } from '../../storage/catalogue/schema.ts';
import type { StudyTable } from '../../storage/catalogue/tables.ts';
import { studyTerms } from '../../storage/catalogue/terms.ts';
import { list } from '../../storage/catalogue/values.ts';
import { personName, text } from '../support/catalogue-entries.ts';

const LATIN_FAMILIES =
  'Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Nguyen Tran García Rodríguez Martínez López Sánchez Kowalski Nowak Wiśniewski Novák Svoboda Yılmaz Kaya Demir Hansen Johansen Olsen Öberg Andersson Rossi Russo Ferrari Silva Santos Oliveira Patel Khan Singh Begum Ahmed OBrien Murphy Kelly Sullivan Zieliński Szabó Horváth'.split(
    ' ',
  );
const SYLLABLES =
  'ba be bo da de do fa ga go ha ka ko la le li lo ma me mi mo na ne no pa ra re ri ro sa se si so ta te to va ve vi wa za'.split(
    ' ',
  );
const LATIN_GIVEN =
  'Kevin Karen Katarzyna Kaito Brian Beatrice Bruno Thomas Teresa Tomasz Ursula Viktor Violeta Xavier Yusuf Yvonne Zainab Quentin Daniel Dorota Eva Emil George Grace Hannah Hugo Nina Noah Oscar Peter Paula James John Robert Michael William David Mary Patricia Jennifer Linda Elizabeth Barbara Susan Anna Zoë Jürgen Björn Łukasz Agnieszka Siobhán François Renée José María Ayşe Fatma Mehmet Mohammed Aisha Priya Raj Wei Ming Sofia Olga Ivan'.split(
    ' ',
  );
const OTHER_NAMES: { weight: number; family: string[]; given: string[]; write(f: string, g: string): string }[] = [
  {
    weight: 4,
    family: ['Yamada=山田=やまだ', 'Suzuki=鈴木=すずき', 'Sato=佐藤=さとう', 'Tanaka=田中=たなか', 'Ito=伊藤=いとう'],
    given: ['Tarou=太郎=たろう', 'Hanako=花子=はなこ', 'Ken=健=けん', 'Yuki=雪=ゆき'],
    write: grouped,
  },
  {
    weight: 4,
    family: ['Wang=王', 'Zhang=张', 'Li=李', 'Liu=刘', 'Chen=陈'],
    given: ['XiaoDong=小东', 'Wei=伟', 'Fang=芳', 'Na=娜'],
    write: grouped,
  },
  {
    weight: 2,
    family: ['Hong=洪=홍', 'Kim=金=김', 'Park=朴=박'],
    given: ['Gildong=吉洞=길동', 'Minsu=民秀=민수'],
    write: grouped,
  },
  {
    weight: 4,
    family: ['Иванов', 'Петров', 'Смирнов', 'Кузнецов'],
    given: ['Иван', 'Ольга', 'Сергей'],
    write: (f, g) => `${f}^${g}`,
  },
  { weight: 3, family: ['قباني', 'حسن', 'الأحمد'], given: ['محمد', 'فاطمة', 'لنزار'], write: (f, g) => `${f}^${g}` },
  { weight: 1, family: ['שרון', 'כהן', 'לוי'], given: ['דבורה', 'משה'], write: (f, g) => `${f}^${g}` },
  { weight: 2, family: ['Διονυσιος', 'Παπαδόπουλος'], given: ['Γιώργος', 'Ελένη'], write: (f, g) => `${f}^${g}` },
];
const MODALITIES: [string, number, string][] = [
  ['DX', 300, 'Chest PA'],
  ['CR', 120, 'Hand left'],
  ['CT', 220, 'CT Abdomen with contrast'],
  ['MR', 130, 'MRI Head'],
  ['US', 120, 'Ultrasound abdomen'],
  ['MG', 50, 'Mammography screening'],
  ['XA', 20, 'Coronary angiography'],
  ['NM', 15, 'Bone scan'],
  ['PT\\CT', 15, 'PET-CT whole body'],
  ['RF', 10, 'Barium swallow'],
];
const DESCRIPTIONS = ['', ' follow up', ' emergency', ' spine', ' post surgery', ' shoulder'];

function grouped(family: string, given: string): string {
  const [f, g] = [family.split('='), given.split('=')];
  return f.map((part, i) => `${part}^${g[i] ?? ''}`).join('=');
}

/** Small seeded generator of numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pad = (value: number, width: number) => String(value).padStart(width, '0');
const START = Date.UTC(2011, 0, 1);
const DAYS = 15 * 365;

interface Patient {
  name: string;
  id: string;
  birthDate: string;
  sex: string;
}

function patient(random: () => number, number: number): Patient {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  let name: string;
  let ticket = random() * 100;
  const other = OTHER_NAMES.find(({ weight }) => {
    ticket -= weight;
    return ticket < 0;
  });
  if (other) name = other.write(pick(other.family), pick(other.given));
  else {
    const rare = pick(SYLLABLES) + pick(SYLLABLES) + pick(SYLLABLES);
    const family = random() < 0.5 ? pick(LATIN_FAMILIES) : rare[0]!.toUpperCase() + rare.slice(1);
    name = `${family}^${pick(LATIN_GIVEN)}`;
  }
  const year = 1925 + Math.floor(random() * 95);
  return {
    name,
    id: `MRN${pad(number, 7)}`,
    birthDate: `${year}${pad(1 + Math.floor(random() * 12), 2)}${pad(1 + Math.floor(random() * 28), 2)}`,
    sex: random() < 0.5 ? 'F' : 'M',
  };
}

type Generated = { row: StudyTable; attributes: string };

function* generate(count: number): Generator<Generated> {
  const random = generator(20260101);
  const patients = Array.from({ length: Math.max(1, Math.floor(count * 0.4)) }, (_, i) => patient(random, i + 1));
  let lastRank = 0;
  for (let i = 0; i < count; i++) {
    const who = patients[Math.floor(random() ** 1.5 * patients.length)]!;
    // More studies in later years; one after another in time, as a hospital makes them.
    const moment = Math.sqrt((i + 0.5) / count) * DAYS;
    const day = new Date(START + Math.floor(moment) * 86_400_000);
    const workingSecond = Math.floor((moment % 1) * 11 * 3600);
    const date = `${day.getUTCFullYear()}${pad(day.getUTCMonth() + 1, 2)}${pad(day.getUTCDate(), 2)}`;
    const hour = 7 + Math.floor(workingSecond / 3600);
    const minute = Math.floor(workingSecond / 60) % 60;
    const second = workingSecond % 60;
    let ticket = random() * 1000;
    const [modality, , what] =
      MODALITIES.find(([, weight]) => {
        ticket -= weight;
        return ticket < 0;
      }) ?? MODALITIES[0]!;
    const uid = `1.2.826.0.1.3680043.10.${100_000 + i}.${Math.floor(random() * 1e9)}`;
    const attributes = {
      '00080020': text('DA', date),
      '00080030': text('TM', `${pad(hour, 2)}${pad(minute, 2)}${pad(second, 2)}`),
      '00080050': text('SH', `ACC${pad(i, 8)}`),
      '00080090': personName('House^Gregory'),
      '00081030': text('LO', what + DESCRIPTIONS[Math.floor(random() * DESCRIPTIONS.length)]),
      '00100010': personName(who.name),
      '00100020': text('LO', who.id),
      '00100030': text('DA', who.birthDate),
      '00100040': text('CS', who.sex),
      '0020000D': text('UI', uid),
      '00200010': text('SH', `S${i}`),
    };
    const values = studyValues(uid, attributes);
    const rank = Math.max(lastRank + 1, rankBase(values.study_date, values.study_time));
    lastRank = rank;
    const arrived = new Date(
      day.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + random() * 7_200_000,
    ).toISOString();
    const instances =
      modality === 'CT' || modality === 'MR' ? 100 + Math.floor(random() * 900) : 1 + Math.floor(random() * 6);
    yield {
      attributes: JSON.stringify(attributes),
      row: {
        ...values,
        rank,
        id: i + 1,
        modalities: list(modality.split('\\')),
        sop_classes: list(['1.2.840.10008.5.1.4.1.1.2']),
        calling_aes: list([`${modality.slice(0, 2)}${1 + Math.floor(random() * 4)}`]),
        series_count: 3,
        instance_count: instances,
        content_count: instances,
        bytes: instances * (400_000 + Math.floor(random() * 200_000)),
        first_received: arrived,
        last_received: arrived,
        conflicts: random() < 0.0005 ? 1 : 0,
      },
    };
  }
}

/** Writes a SQLite catalogue of `count` studies straight into the tables (three series per study counted, not listed). */
export function generateCatalogue(file: string, count: number): void {
  const db = new DatabaseSync(file);
  db.exec(
    'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY',
  );
  for (const statement of SQLITE_TABLES) db.exec(statement);
  db.exec(`insert into catalogue_meta values ('version', '${SCHEMA_VERSION}')`);
  // Larger runs of posting lists, merged once at the end.
  db.exec("insert into study_terms (study_terms, rank) values ('hashsize', 134217728), ('automerge', 0)");
  const detail = db.prepare('insert into study_detail (id, newest, attributes) values (?, ?, ?)');
  const terms = db.prepare('insert into study_terms (rowid, terms) values (?, ?)');
  let study: ReturnType<DatabaseSync['prepare']> | undefined;
  let bytes = 0;
  let instances = 0;
  let conflicts = 0;
  db.exec('begin');
  for (const { row, attributes } of generate(count)) {
    study ??= db.prepare(
      `insert into study (${Object.keys(row).join(', ')}) values (${Object.keys(row)
        .map(() => '?')
        .join(', ')})`,
    );
    study.run(...Object.values(row).map((value) => (typeof value === 'number' ? BigInt(value) : value)));
    detail.run(row.id, '', attributes);
    terms.run(BigInt(row.rank), studyTerms(row).join(' '));
    bytes += row.bytes;
    instances += row.instance_count;
    conflicts += row.conflicts;
  }
  db.prepare('update totals set studies = ?, series = ?, instances = ?, bytes = ?, conflicts = ?').run(
    count,
    count * 3,
    instances,
    BigInt(bytes),
    conflicts,
  );
  db.exec('commit');
  for (const index of SQLITE_INDEXES) db.exec(index);
  db.exec("insert into study_terms (study_terms) values ('optimize')");
  db.exec("insert into study_terms (study_terms, rank) values ('hashsize', 1048576), ('automerge', 4)");
  db.exec('PRAGMA journal_mode = WAL');
  db.close();
}
