import { useCallback, useEffect, useState } from 'react';
import type { DicomJson } from '../../../../storage/format/manifest.ts';
import { request } from '../../shared/api/client.ts';
import { useCommitted } from '../../shared/api/use-status.ts';
import { REPORTED_SERIES, type Reported, reportedIn } from './formal-report.ts';
import { itemsOf, textOf } from './json.ts';

/** A provisional finding with the study that it is of. Dates and times as in the data set. */
export interface FindingRow {
  sopInstanceUID: string;
  studyInstanceUID: string;
  patientName: string;
  patientID: string;
  studyDate: string;
  studyDescription: string;
  accessionNumber: string;
  text: string;
  author: string;
  date: string;
  time: string;
  /** The document itself. */
  report: DicomJson;
  /** Who has ticked it as formally reported, and when. */
  reported: Reported | null;
}

/** The state of the list. */
export interface FindingList {
  rows: FindingRow[];
  unread: number;
  more: boolean;
}

const most = 200;

function* descendants(item: DicomJson): Iterable<DicomJson> {
  for (const child of itemsOf(item, '0040A730')) {
    yield child;
    yield* descendants(child);
  }
}

/** (121071, DCM, "Finding") and (121008, DCM, "Person Observer Name"). */
const [FINDING, OBSERVER] = ['121071', '121008'];

function rowOf(report: DicomJson): FindingRow | null {
  if (textOf(report, '0040A496') !== 'PRELIMINARY') return null;
  const items = [...descendants(report)];
  const named = (code: string) =>
    items.filter((item) => textOf(itemsOf(item, '0040A043')[0] ?? {}, '00080100') === code);
  const texts = named(FINDING).map((item) => textOf(item, '0040A160'));
  if (texts.length === 0) return null;
  return {
    sopInstanceUID: textOf(report, '00080018'),
    studyInstanceUID: textOf(report, '0020000D'),
    patientName: textOf(report, '00100010'),
    patientID: textOf(report, '00100020'),
    studyDate: textOf(report, '00080020'),
    studyDescription: textOf(report, '00081030'),
    accessionNumber: textOf(report, '00080050'),
    text: texts.join('\n'),
    author: textOf(named(OBSERVER)[0] ?? {}, '0040A123'),
    date: textOf(report, '00080023'),
    time: textOf(report, '00080033'),
    report,
    reported: null,
  };
}

/** Documents of all series of that description; the newest `most` of them. */
async function documentsOf(description: string, signal: AbortSignal) {
  const asked = new URLSearchParams({ Modality: 'SR', SeriesDescription: description, limit: String(most + 1) });
  const series = (await request<DicomJson[] | undefined>(`dicom-web/series?${asked}`, { signal })) ?? [];
  const read = await Promise.allSettled(
    series.slice(0, most).map(async (one) => {
      const address = `studies/${textOf(one, '0020000D')}/series/${textOf(one, '0020000E')}/metadata`;
      return await request<DicomJson[]>(`dicom-web/${address}`, { signal });
    }),
  );
  return {
    documents: read.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])),
    unread: read.filter(({ status }) => status === 'rejected').length,
    more: series.length > most,
  };
}

async function findings(signal: AbortSignal): Promise<FindingList> {
  const [found, ticks] = await Promise.all([
    documentsOf('Provisional finding', signal),
    documentsOf(REPORTED_SERIES, signal),
  ]);
  const reported = reportedIn(ticks.documents);
  const rows = found.documents
    .flatMap((report) => rowOf(report) ?? [])
    .map((row) => ({ ...row, reported: reported.get(row.sopInstanceUID) ?? null }))
    .sort((a, b) => `${b.date}${b.time}`.localeCompare(`${a.date}${a.time}`));
  return { rows, unread: found.unread + ticks.unread, more: found.more || ticks.more };
}

/** Provisional findings in the archive, the newest first; again when something was kept. */
export function useFindings() {
  const [state, setState] = useState<FindingList | null>(null);
  const [problem, setProblem] = useState('');
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks again
  useEffect(() => {
    const abort = new AbortController();
    findings(abort.signal).then(
      (found) => {
        setState(found);
        setProblem('');
      },
      (error: Error) => {
        if (!abort.signal.aborted) setProblem(error.message);
      },
    );
    return () => abort.abort();
  }, [turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  useCommitted(again);
  return { ...(state ?? { rows: null, unread: 0, more: false }), problem, again };
}
