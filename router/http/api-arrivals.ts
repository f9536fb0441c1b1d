import { Router } from 'express';
import { z } from 'zod';
import type { ArrivalRefusal, ArrivalRow, ArrivalsAnswer } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { WaitingStudy } from '../../storage/waiting.ts';
import type { RouterContext } from '../context.ts';
import { tellPerformed } from './arrivals-performed.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const STUDIES_MAX = 200;
const REFUSALS_MAX = 1000;
const SERIES_MAX = 5000;
const arrivalsQuery = z.object({
  hours: z.coerce
    .number()
    .min(0.1)
    .max(24 * 31)
    .default(24),
});

/** /api/arrivals: did my study arrive, may I scan on, may I delete it? Newest first. */
export function arrivalsApi({ context, digest }: HttpParts): Router {
  const router = Router();
  router.get('/', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const { hours } = checked(arrivalsQuery, req.query);
    const since = new Date(Date.now() - hours * 3_600_000).toISOString();
    const { rows } = await context.archive.catalogue.worklist({
      sort: '-lastReceivedAt',
      limit: STUDIES_MAX + 1,
      offset: 0,
    });
    const recent = rows.filter((row) => row.lastReceivedAt >= since);
    const waiting = context.archive.waiting();
    const kept = new Set<string>();
    const keptBy = new Map<string, ReadonlySet<string>>();
    const answer: ArrivalRow[] = [];
    const stored = storedReader(context.archive);
    for (const row of recent.slice(0, STUDIES_MAX)) {
      const { series, sopInstanceUIDs } = await stored(row.studyInstanceUID);
      const here = new Set(sopInstanceUIDs);
      for (const sopInstanceUID of here) kept.add(sopInstanceUID);
      keptBy.set(row.studyInstanceUID, here);
      answer.push({
        studyInstanceUID: row.studyInstanceUID,
        patientName: row.patientName,
        patientID: row.patientID,
        callingAE: row.callingAEs.join(', '),
        firstReceivedAt: row.firstReceivedAt,
        lastReceivedAt: row.lastReceivedAt,
        series,
        ...promisesOf(context, row.studyInstanceUID),
      });
    }
    const known = new Map(answer.map((row) => [row.studyInstanceUID, row]));
    for (const [uid, study] of waiting) {
      const row = known.get(uid);
      if (row) addWaiting(row, study);
      else if (study.lastReceivedAt >= since) answer.push(onlyWaiting(uid, study));
    }
    tellPerformed(answer, keptBy, context.ris, since);
    answer.sort((a, b) => (a.lastReceivedAt < b.lastReceivedAt ? 1 : -1));
    digest.note({ user, address, action: 'query', object: 'arrivals', detail: `hours=${hours}`, outcome: 'ok' });
    await sendJson(req, res, {
      rows: answer.slice(0, STUDIES_MAX),
      more: answer.length > STUDIES_MAX || recent.length > STUDIES_MAX,
      refusals: refusedSince(since, kept),
    } satisfies ArrivalsAnswer);
  });

  function refusedSince(since: string, kept: ReadonlySet<string>): ArrivalRefusal[] {
    return context.access
      .refusals(REFUSALS_MAX)
      .filter(({ at, channel }) => at >= since && channel === 'DIMSE')
      .map(({ at, peer, message, sopInstanceUID }) => ({
        at,
        callingAE: peer.split('@')[0]!,
        message,
        sopInstanceUID: sopInstanceUID ?? '',
        cameLater: kept.has(sopInstanceUID ?? ''),
      }));
  }
  return router;
}

/** What was promised of a study: by those to whom it is passed on, and by us to the scanner. */
function promisesOf(
  { forwarding, confirmations, commitments }: RouterContext,
  studyInstanceUID: string,
): Pick<ArrivalRow, 'forwarded' | 'commitment'> {
  const said = confirmations?.confirmedByPacs(studyInstanceUID) ?? [];
  const forwarded = (forwarding?.ofStudy(studyInstanceUID) ?? []).map((row) => {
    if (!confirmations?.counts(row.destination)) return row;
    const committed = said.filter(({ destination, confirmed }) => confirmed && destination === row.destination);
    return { ...row, committed: committed.length };
  });
  const asked = commitments?.ofStudy(studyInstanceUID);
  if (!asked) return { forwarded };
  const { requester, requestedAt, confirmed, failed, state } = asked;
  return { forwarded, commitment: { requester, requestedAt, confirmed, failed, told: state === 'done' } };
}

interface Stored {
  series: ArrivalRow['series'];
  sopInstanceUIDs: Iterable<string>;
}

/** What is stored of a study: by the store itself; by the catalogue from the moment on when the store does not answer. */
function storedReader(archive: Archive): (studyInstanceUID: string) => Promise<Stored> {
  let away = false;
  return async (studyInstanceUID) => {
    try {
      if (!away) {
        const entries = await archive.entries(studyInstanceUID);
        return { series: seriesOf(entries), sopInstanceUIDs: entries.map((entry) => entry.sopInstanceUID) };
      }
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'STORE_UNAVAILABLE') throw error;
      away = true;
    }
    return storedByCatalogue(archive.catalogue, studyInstanceUID);
  };
}

async function storedByCatalogue(catalogue: Catalogue, studyInstanceUID: string): Promise<Stored> {
  const { rows } = await catalogue.query({
    level: 'series',
    keys: [{ tag: '0020000D', value: studyInstanceUID }],
    limit: SERIES_MAX,
    offset: 0,
  });
  const contents = await catalogue.contents(studyInstanceUID);
  const series = rows.map((row) => {
    const text = (tag: string) => String(row[tag]?.Value?.[0] ?? '');
    const seriesInstanceUID = text('0020000E');
    const uids = contents.filter((content) => content.seriesInstanceUID === seriesInstanceUID);
    return {
      seriesInstanceUID,
      modality: text('00080060'),
      description: text('0008103E'),
      stored: new Set(uids.map(({ sopInstanceUID }) => sopInstanceUID)).size,
      inSpool: 0,
    };
  });
  return { series, sopInstanceUIDs: contents.map(({ sopInstanceUID }) => sopInstanceUID) };
}

function onlyWaiting(studyInstanceUID: string, study: WaitingStudy): ArrivalRow {
  const { patientName, patientID, firstReceivedAt, lastReceivedAt } = study;
  const callingAE = study.callingAEs.join(', ');
  const row = {
    studyInstanceUID,
    patientName,
    patientID,
    callingAE,
    firstReceivedAt,
    lastReceivedAt,
    series: [],
    forwarded: [],
  };
  addWaiting(row, study);
  return row;
}

/** Adds what is acknowledged and not yet in the store. */
function addWaiting(row: ArrivalRow, study: WaitingStudy): void {
  if (study.lastReceivedAt > row.lastReceivedAt) row.lastReceivedAt = study.lastReceivedAt;
  for (const [seriesInstanceUID, { modality, instances }] of study.series) {
    const series = row.series.find((each) => each.seriesInstanceUID === seriesInstanceUID);
    if (series) series.inSpool = instances;
    else row.series.push({ seriesInstanceUID, modality, description: '', stored: 0, inSpool: instances });
  }
}

function seriesOf(entries: readonly InstanceEntry[]): ArrivalRow['series'] {
  const series = new Map<string, ArrivalRow['series'][number] & { uids: Set<string> }>();
  for (const entry of entries) {
    let row = series.get(entry.seriesInstanceUID);
    if (!row) {
      const text = (tag: string) => String(entry.attributes[tag]?.Value?.[0] ?? '');
      row = {
        seriesInstanceUID: entry.seriesInstanceUID,
        modality: text('00080060'),
        description: text('0008103E'),
        stored: 0,
        inSpool: 0,
        uids: new Set(),
      };
      series.set(entry.seriesInstanceUID, row);
    }
    row.uids.add(entry.sopInstanceUID);
  }
  return [...series.values()].map(({ uids, ...row }) => ({ ...row, stored: uids.size }));
}
