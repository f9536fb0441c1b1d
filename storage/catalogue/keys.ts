/** Which matching keys there are (PS3.18 tables 10.6.1-5) and what each asks of the tables. */
import { sql } from 'kysely';
import type { MatchingKey, Query, QueryLevel } from './catalogue-types.ts';
import { any, type Condition, type Flavour, type Selection } from './flavour.ts';
import { levelOf } from './levels.ts';
import {
  dateRange,
  fuzzyWords,
  isUniversal,
  listOf,
  matchAnyText,
  matchDateTime,
  matchName,
  matchNameList,
  matchNumber,
  matchRange,
  matchStored,
  matchText,
  matchUIDs,
  nameWordsOf,
  timeRange,
} from './matching.ts';
import { rankOfDayEnd, rankOfDayStart } from './rank.ts';
import { MAX_WORD, type Term } from './terms.ts';

/** What a query asks, by the table that has to answer. */
export interface Asked {
  studies: Selection;
  series: Condition[];
  instances: Condition[];
  ignoredKeys: string[];
}

type Rule = (flavour: Flavour, value: string) => Condition;

const textIn =
  (column: Condition): Rule =>
  (flavour, value) =>
    matchText(flavour, column, value);
const uidIn =
  (column: Condition): Rule =>
  (_, value) =>
    matchUIDs(column, value);
const codeIn =
  (column: Condition): Rule =>
  (flavour, value) =>
    matchAnyText(flavour, column, value);
const numberIn =
  (column: Condition): Rule =>
  (_, value) =>
    matchNumber(column, value);
const dateIn =
  (column: Condition): Rule =>
  (_, value) => {
    const range = dateRange(value);
    return range ? matchRange(column, range) : sql`1 = 0`;
  };
const timeIn =
  (column: Condition): Rule =>
  (_, value) => {
    const range = timeRange(value);
    return range ? matchRange(column, range) : sql`1 = 0`;
  };
const inList =
  (column: Condition): Rule =>
  (flavour, value) =>
    any(listOf(value).map((each) => flavour.wildcard(column, `*\\${each}\\*`)));

const STUDY_RULES: Record<string, Rule> = {
  '00080020': dateIn(sql`study.study_date`),
  '00080030': timeIn(sql`study.study_time`),
  '00080050': textIn(sql`study.accession`),
  '00080061': inList(sql`study.modalities`),
  '00080062': inList(sql`study.sop_classes`),
  '00080090': (flavour, value) => matchNameList(flavour, sql`study.referring`, value),
  '00081030': textIn(sql`study.description`),
  '00100010': (flavour, value) =>
    matchName(flavour, [sql`study.name_alphabetic`, sql`study.name_ideographic`, sql`study.name_phonetic`], value),
  '00100020': textIn(sql`study.patient_id`),
  '00100021': textIn(sql`study.issuer`),
  '00100030': dateIn(sql`study.birth_date`),
  '00100040': codeIn(sql`study.sex`),
  '0020000D': uidIn(sql`study.uid`),
  '00200010': textIn(sql`study.study_id`),
  '00201206': numberIn(sql`study.series_count`),
  '00201208': numberIn(sql`study.instance_count`),
};

const SERIES_RULES: Record<string, Rule> = {
  '00080060': codeIn(sql`series.modality`),
  '0008103E': textIn(sql`series.description`),
  '00180015': codeIn(sql`series.body_part`),
  '0020000E': uidIn(sql`series.uid`),
  '00200011': numberIn(sql`series.number`),
  '00201209': numberIn(sql`series.instance_count`),
  '00400244': dateIn(sql`series.performed_date`),
  '00400245': timeIn(sql`series.performed_time`),
  '00400009': inList(sql`series.scheduled_step_ids`),
  '00401001': inList(sql`series.requested_procedure_ids`),
};

const INSTANCE_RULES: Record<string, Rule> = {
  '00080016': uidIn(sql`instance.sop_class`),
  '00080018': uidIn(sql`instance.sop_uid`),
  '00200013': numberIn(sql`instance.number`),
};

const DEPTH: Record<QueryLevel, number> = { study: 0, series: 1, instance: 2 };

/** Answered with every row, never a condition: 0008,0005 character set, 0008,0056 availability, 0008,1190 address. */
const NOT_MATCHED = new Set(['00080005', '00080056', '00081190']);

/** Sorts the keys of a query by table; keys below the query's level and sequences without a rule are reported as ignored. */
export function askedBy(flavour: Flavour, query: Query): Asked {
  const asked: Asked = { studies: { terms: [], where: [] }, series: [], instances: [], ignoredKeys: [] };
  const keys = query.keys
    .map(({ tag, value }) => ({ tag: tag.replace(/^00400275\.?(?=.)/, ''), value }))
    .filter(({ value }) => !isUniversal(value));
  const combined = query.keys.length > 1 ? combineDateTime(keys) : [];
  for (const { dateTag, condition } of combined) {
    (levelOf(dateTag) === 'study' ? asked.studies.where : asked.series).push(condition);
  }
  const done = new Set(combined.flatMap(({ dateTag, timeTag }) => [dateTag, timeTag]));
  for (const key of keys) {
    if (key.tag === '00080020') narrowDates(asked.studies, key.value);
    if (!done.has(key.tag)) addKey(flavour, query, key, asked);
  }
  return asked;
}

function addKey(flavour: Flavour, query: Query, { tag, value }: MatchingKey, asked: Asked): void {
  if (NOT_MATCHED.has(tag)) {
    asked.ignoredKeys.push(tag);
    return;
  }
  if (tag === '00080061' || (tag === '00080060' && query.level === 'study')) {
    addModalities(flavour, value, asked);
    return;
  }
  if (tag === '00100010' && query.fuzzy) {
    const words = fuzzyWords(value);
    asked.studies.terms.push(...wordTerms(words));
    asked.studies.where.push(...words.map((word) => flavour.contains(sql`study.name_words`, ` ${word}`)));
    return;
  }
  if (tag === '00100010') asked.studies.terms.push(...wordTerms(nameWordsOf(value)));
  const studyRule = STUDY_RULES[tag];
  const seriesRule = SERIES_RULES[tag];
  const instanceRule = INSTANCE_RULES[tag];
  if (studyRule) asked.studies.where.push(studyRule(flavour, value));
  else if (seriesRule && DEPTH[query.level] >= 1) asked.series.push(seriesRule(flavour, value));
  else if (instanceRule && DEPTH[query.level] >= 2) asked.instances.push(instanceRule(flavour, value));
  else if (!addStored(flavour, query, tag, value, asked)) asked.ignoredKeys.push(tag);
}

function wordTerms(words: string[]): Term[][] {
  return words.map((value) => [{ kind: 'word', value: [...value].slice(0, MAX_WORD).join('') }]);
}

function addModalities(flavour: Flavour, value: string, asked: Asked): void {
  const wanted = listOf(value);
  if (wanted.length === 0 || wanted.some((each) => /[*?]/.test(each)))
    asked.studies.where.push(inList(sql`study.modalities`)(flavour, value));
  else asked.studies.terms.push(wanted.map((each) => ({ kind: 'modality' as const, value: each })));
}

/** Attributes without a column are looked for in the stored DICOM JSON of their level. */
function addStored(flavour: Flavour, query: Query, tag: string, value: string, asked: Asked): boolean {
  if (!/^[0-9A-F]{8}$/.test(tag)) return false;
  const level = levelOf(tag);
  if (DEPTH[level] > DEPTH[query.level] || SERIES_RULES[tag] || INSTANCE_RULES[tag]) return false;
  if (level === 'study') {
    const test = matchStored(flavour, sql`study_detail.attributes`, tag, value);
    asked.studies.where.push(sql`exists (select 1 from study_detail where study_detail.id = study.id and ${test})`);
  } else if (level === 'series') {
    asked.series.push(matchStored(flavour, sql`series.attributes`, tag, value));
  } else {
    asked.instances.push(matchStored(flavour, sql`instance.attributes`, tag, value));
  }
  return true;
}

const DATE_TIMES = [
  { dateTag: '00080020', timeTag: '00080030', date: sql`study.study_date`, time: sql`study.study_time` },
  { dateTag: '00400244', timeTag: '00400245', date: sql`series.performed_date`, time: sql`series.performed_time` },
];

function combineDateTime(keys: MatchingKey[]): { dateTag: string; timeTag: string; condition: Condition }[] {
  return DATE_TIMES.flatMap(({ dateTag, timeTag, date, time }) => {
    const dates = keys.find((key) => key.tag === dateTag);
    const times = keys.find((key) => key.tag === timeTag);
    const dateEnds = dates && dateRange(dates.value);
    const timeEnds = times && timeRange(times.value);
    if (!dateEnds?.isRange || !timeEnds?.isRange) return [];
    return [{ dateTag, timeTag, condition: matchDateTime(date, time, dateEnds, timeEnds) }];
  });
}

/** A date key also narrows the ranks, so that newest-first order and range are one index scan. */
function narrowDates(selection: Selection, value: string): void {
  const range = dateRange(value);
  if (!range) return;
  if (range.from !== undefined) selection.rankFrom = rankOfDayStart(range.from);
  if (range.to !== undefined) selection.rankTo = rankOfDayEnd(range.to);
}
