import type { ArrivalRow } from '../../../../contract/api.ts';
import { formatAgo, formatInstant, formatPersonName } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const text = pageMessages.arrivals;
const quietMs = 60_000;

function Study(props: { row: ArrivalRow; now: number }) {
  const { row, now } = props;
  const inSpool = row.series.some((series) => series.inSpool > 0);
  const coming = inSpool || now - new Date(row.lastReceivedAt).getTime() < quietMs;
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
                <div className="soft">{row.patientID}</div>
              </td>
              <td rowSpan={height}>{row.callingAE}</td>
            </>
          )}
          <td>
            {series && (
              <>
                {series.modality && <span className="badge arrivals-modality">{series.modality}</span>}
                {series.description || <span className="soft">{text.noDescription}</span>}
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
                {coming ? (
                  <span className="badge badge-warn">{text.stillComing}</span>
                ) : (
                  <span className="soft">{text.quiet}</span>
                )}
              </td>
            </>
          )}
        </tr>
      ))}
    </tbody>
  );
}

/** One block a study, one line a series: how many images are kept here. */
export function StudyTable(props: { rows: ArrivalRow[]; now: number }) {
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
        <Study key={row.studyInstanceUID} row={row} now={props.now} />
      ))}
    </table>
  );
}
