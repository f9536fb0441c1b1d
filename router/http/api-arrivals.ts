import { Router } from 'express';
import { z } from 'zod';
import type { ArrivalRefusal, ArrivalRow, ArrivalsAnswer } from '../../contract/api.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { WaitingStudy } from '../../storage/waiting.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const STUDIES_MAX = 200;
const REFUSALS_MAX = 1000;
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
    const answer: ArrivalRow[] = [];
    for (const row of recent.slice(0, STUDIES_MAX)) {
      const entries = await context.archive.entries(row.studyInstanceUID);
      for (const { sopInstanceUID } of entries) kept.add(sopInstanceUID);
      answer.push({
        studyInstanceUID: row.studyInstanceUID,
        patientName: row.patientName,
        patientID: row.patientID,
        callingAE: row.callingAEs.join(', '),
        firstReceivedAt: row.firstReceivedAt,
        lastReceivedAt: row.lastReceivedAt,
        series: seriesOf(entries),
      });
    }
    const known = new Map(answer.map((row) => [row.studyInstanceUID, row]));
    for (const [uid, study] of waiting) {
      const row = known.get(uid);
      if (row) addWaiting(row, study);
      else if (study.lastReceivedAt >= since) answer.push(onlyWaiting(uid, study));
    }
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

function onlyWaiting(studyInstanceUID: string, study: WaitingStudy): ArrivalRow {
  const { patientName, patientID, firstReceivedAt, lastReceivedAt } = study;
  const callingAE = study.callingAEs.join(', ');
  const row = { studyInstanceUID, patientName, patientID, callingAE, firstReceivedAt, lastReceivedAt, series: [] };
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
