import type { ScheduleRow } from '../../../../contract/ris.ts';
import { formatDate, formatInstant, formatPersonName, formatTime } from '../../shared/format.ts';
import { risMessages as text } from '../../shared/messages.ris.en.ts';
import { AskButton } from '../../shared/ui/asking.tsx';

/** What scanners are told, earliest first. */
export function ScheduleTable(props: {
  rows: ScheduleRow[];
  busy: boolean;
  onChange: (row: ScheduleRow) => void;
  onUndo: (row: ScheduleRow) => void;
}) {
  return (
    <table className="table ris-table">
      <thead>
        <tr>
          {text.columns.map((head) => (
            <th key={head}>{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={row.id} className={row.origin === 'unscheduled' ? 'ris-unscheduled' : undefined}>
            <td className="ris-time">{formatTime(row.startTime) || text.noTime}</td>
            <td>
              <strong dir="auto">{formatPersonName(row.patientName)}</strong>
              <div className="soft">
                <bdi>{row.patientID}</bdi>
              </div>
            </td>
            <td className="ris-time">
              {formatDate(row.patientBirthDate)} {row.patientSex}
            </td>
            <td>
              <bdi>{row.accessionNumber}</bdi>
            </td>
            <td>
              {row.modality && <span className="badge">{row.modality}</span>}{' '}
              <bdi>{row.description || row.requestedProcedure}</bdi>
            </td>
            <td>{row.stationAETitle.replaceAll('\\', ', ')}</td>
            <td>
              {text.origins[row.origin]}{' '}
              {row.performed !== '' && (
                <span className={row.performed === 'COMPLETED' ? 'badge badge-good' : 'badge badge-warn'}>
                  {text.performedStates[row.performed] ?? row.performed}
                </span>
              )}
              {row.edited.length > 0 && (
                <div className="ris-edited">
                  {text.edited(
                    row.edited.map((name) => text.fields[name].replace(/ \(.*/, '').toLowerCase()).join(', '),
                    row.editedBy,
                    formatInstant(row.editedAt),
                  )}
                </div>
              )}
            </td>
            <td className="ris-actions">
              <button type="button" className="button" disabled={props.busy} onClick={() => props.onChange(row)}>
                {text.change}
              </button>
              {row.origin === 'ris' && row.edited.length > 0 && (
                <AskButton
                  label={text.undo}
                  question={text.undoQuestion}
                  disabled={props.busy}
                  onYes={() => props.onUndo(row)}
                />
              )}
              {row.origin !== 'ris' && (
                <AskButton
                  label={text.remove}
                  question={text.removeQuestion}
                  disabled={props.busy}
                  onYes={() => props.onUndo(row)}
                />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
