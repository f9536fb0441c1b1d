import type { ArrivalRow } from '../../../../contract/api.ts';
import { formatAgo, formatInstant, formatPersonName } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { risMessages } from '../../shared/messages.ris.en.ts';
import { mayDelete, type SenderWarning, type StudyState, stateOf } from './warnings.ts';

const text = pageMessages.arrivals;
const reports = risMessages.performed;

const stateClass: Record<StudyState, string> = {
  coming: 'badge badge-warn arrivals-state',
  waiting: 'badge badge-warn arrivals-state',
  quiet: 'badge badge-good arrivals-state',
  unknown: 'badge badge-bad arrivals-state',
  working: 'badge badge-warn arrivals-state',
  missing: 'badge badge-bad arrivals-state',
};

/** The number to compare with the scanner's, and what to do now. */
function Outcome(props: {
  row: ArrivalRow;
  state: StudyState;
  storeAway: boolean;
  warnings: readonly SenderWarning[];
}) {
  const { row, state, storeAway } = props;
  const { safe, why } = mayDelete(row, state, props.warnings);
  const sum = (count: 'stored' | 'inSpool') => row.series.reduce((total, series) => total + series[count], 0);
  const inSpool = sum('inSpool');
  return (
    <>
      <span className={stateClass[state]}>{text.states[state]}</span>
      <div>{text.total(sum('stored') + inSpool, row.series.length)}</div>
      {row.performed?.map(({ status, callingAE, images, missing, at }) => (
        <div key={`${callingAE} ${at} ${status}`}>
          {reports.says(status, images)}{' '}
          {missing > 0 ? (
            <strong className="arrivals-missing">{reports.missing(missing)}</strong>
          ) : (
            images > 0 && <span className="soft">{reports.all}</span>
          )}
        </div>
      ))}
      {row.forwarded
        .filter(({ owed }) => owed > 0)
        .map(({ destination, owed, sent, committed }) => (
          <div key={destination} className="soft">
            {text.forwarded(destination.split('@')[0]!, sent, owed)}
            {committed !== undefined && ` ${text.committed(destination.split('@')[0]!, committed, owed)}`}
          </div>
        ))}
      {inSpool > 0 && <div className="soft">{storeAway ? text.waitingAway(inSpool) : text.waiting(inSpool)}</div>}
      <div>
        <strong className={safe ? undefined : 'arrivals-missing'}>{safe ? text.safe.yes : text.safe.no}</strong>{' '}
        <span className="soft">{text.safeWhy[why]}</span>
      </div>
    </>
  );
}

function Study(props: {
  row: ArrivalRow;
  now: number;
  heard: boolean;
  storeAway: boolean;
  warnings: readonly SenderWarning[];
}) {
  const { row, now } = props;
  const state = stateOf(row, now, props.heard);
  const height = Math.max(1, row.series.length);
  const lines = row.series.length > 0 ? row.series : [null];
  return (
    <tbody className="arrivals-study">
      {lines.map((series, index) => (
        <tr key={series?.seriesInstanceUID ?? 'none'}>
          {index === 0 && (
            <>
              <td rowSpan={height}>
                <strong dir="auto">{formatPersonName(row.patientName) || text.patientUnknown}</strong>
                <div className="soft">
                  <bdi>{row.patientID}</bdi>
                </div>
              </td>
              <td rowSpan={height}>
                <bdi>{row.callingAE}</bdi>
              </td>
            </>
          )}
          <td>
            {series && (
              <>
                {series.modality && <span className="badge arrivals-modality">{series.modality}</span>}
                {series.description ? (
                  <bdi>{series.description}</bdi>
                ) : (
                  <span className="soft">{text.noDescription}</span>
                )}
              </>
            )}
          </td>
          <td>
            {series && series.stored > 0 && <span className="badge badge-good">{text.kept(series.stored)}</span>}{' '}
            {series && series.inSpool > 0 && <span className="badge">{text.spool(series.inSpool)}</span>}
          </td>
          {index === 0 && (
            <>
              <td rowSpan={height} className="arrivals-when" title={formatInstant(row.lastReceivedAt)}>
                {formatAgo(row.lastReceivedAt, now)}
              </td>
              <td rowSpan={height}>
                <Outcome row={row} state={state} storeAway={props.storeAway} warnings={props.warnings} />
              </td>
            </>
          )}
        </tr>
      ))}
    </tbody>
  );
}

/** One block a study, one line a series: how many images are kept here. */
export function StudyTable(props: {
  rows: ArrivalRow[];
  now: number;
  /** False while the router cannot be heard. */
  heard: boolean;
  storeAway: boolean;
  warnings: readonly SenderWarning[];
}) {
  const { columns } = text;
  return (
    <table className="table arrivals-table">
      <thead>
        <tr>
          <th>{columns.patient}</th>
          <th>{columns.from}</th>
          <th>{columns.series}</th>
          <th>{columns.images}</th>
          <th>{columns.last}</th>
          <th>{columns.state}</th>
        </tr>
      </thead>
      {props.rows.map((row) => (
        <Study key={row.studyInstanceUID} {...props} row={row} />
      ))}
    </table>
  );
}
