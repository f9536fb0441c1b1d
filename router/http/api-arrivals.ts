import { Router } from 'express';
import { z } from 'zod';
import type { ArrivalRow, ArrivalsAnswer } from '../../contract/api.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { WaitingStudy } from '../reception-watch.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';
import { sendJson } from './send-json.ts';

const STUDIES_MAX = 200;
const arrivalsQuery = z.object({
  hours: z.coerce
    .number()
    .min(0.1)
    .max(24 * 31)
    .default(24),
});

/** /api/arrivals: did my study arrive, may I scan on, may I delete it? Newest first. */
export function arrivalsApi({ context, digest, receptions }: HttpParts): Router {
  const router = Router();
  router.get('/', async (req, res) => {
    const { name: user, address } = demand(req, 'arrivals');
    const { hours } = checked(arrivalsQuery, req.query);
    const since = new Date(Date.now() - hours * 3_600_000).toISOString();
    const { rows } = await context.archive.catalogue.worklist({
      sort: '-lastReceivedAt',
      limit: STUDIES_MAX,
      offset: 0,
    });
    const recent = rows.filter((row) => row.lastReceivedAt >= since);
    const refused = refusedSince(since);
    const answer: ArrivalsAnswer = { rows: [] };
    for (const [studyInstanceUID, waiting] of receptions.waiting()) {
      if (recent.some((row) => row.studyInstanceUID === studyInstanceUID)) continue;
      const { callingAE, firstReceivedAt, lastReceivedAt } = waiting;
      answer.rows.push({
        studyInstanceUID,
        patientName: '',
        patientID: '',
        callingAE,
        firstReceivedAt,
        lastReceivedAt,
        series: withWaiting([], waiting),
        refused: refused.get(callingAE) ?? 0,
      });
    }
    for (const row of recent) {
      const entries = await context.archive.entries(row.studyInstanceUID);
      answer.rows.push({
        studyInstanceUID: row.studyInstanceUID,
        patientName: row.patientName,
        patientID: row.patientID,
        callingAE: row.callingAEs.join(', '),
        firstReceivedAt: row.firstReceivedAt,
        lastReceivedAt: row.lastReceivedAt,
        series: withWaiting(seriesOf(entries), receptions.waiting().get(row.studyInstanceUID)),
        refused: row.callingAEs.reduce((sum, ae) => sum + (refused.get(ae) ?? 0), 0),
      });
    }
    digest.note({ user, address, action: 'query', object: 'arrivals', detail: `hours=${hours}`, outcome: 'ok' });
    await sendJson(req, res, answer);
  });

  /** Refused images by calling AE: a refused data set often has no readable study to be counted under. */
  function refusedSince(since: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { at, channel, peer } of context.access.refusals(1000)) {
      if (at < since || channel !== 'DIMSE') continue;
      const ae = peer.split('@')[0]!;
      counts.set(ae, (counts.get(ae) ?? 0) + 1);
    }
    return counts;
  }
  return router;
}

/** Adds what is acknowledged and not yet in the store. */
function withWaiting(series: ArrivalRow['series'], waiting: WaitingStudy | undefined): ArrivalRow['series'] {
  const rows = [...series];
  for (const [seriesInstanceUID, inSpool] of waiting?.series ?? []) {
    const at = rows.findIndex((row) => row.seriesInstanceUID === seriesInstanceUID);
    if (at >= 0) rows[at] = { ...rows[at]!, inSpool };
    else rows.push({ seriesInstanceUID, modality: '', description: '', stored: 0, inSpool });
  }
  return rows;
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
