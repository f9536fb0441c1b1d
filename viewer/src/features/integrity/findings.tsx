import { useEffect, useState } from 'react';
import type { FindingRow, IntegrityAnswer, RepairRow } from '../../../../contract/integrity.ts';
import { request } from '../../shared/api/client.ts';
import { formatDate, formatInstant, formatPersonName } from '../../shared/format.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useAnswer, useCall } from './use-integrity.ts';

const repairable =
  /^(flipped|truncated|grown|missing|swapped|store-only|segment-(missing|damaged|truncated)|metadata-(missing|damaged|disagrees))$/;
const badge = { error: 'badge badge-bad', 'not-checked': 'badge badge-warn', note: 'badge' };

/** Open findings, those of one study together under its patient's name. */
export function Findings(props: { counts: IntegrityAnswer['findings']; onChanged: () => Promise<void> }) {
  const { open, notChecked, notes } = props.counts;
  const { value, failure, load } = useAnswer<FindingRow[]>('api/integrity/findings', false);
  const { call, busy, sentence, failure: problem } = useCall();
  const [withNotes, setWithNotes] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is asked for again when its counts change
  useEffect(() => void load(), [load, open, notChecked, notes]);
  const rows = (value ?? []).filter(({ severity }) => withNotes || severity !== 'note');
  const studies = Map.groupBy(rows, ({ studyInstanceUID, key }) => studyInstanceUID || key);
  const repair = (row: FindingRow) =>
    call(async () => {
      const done = await request<RepairRow>(`api/integrity/findings/${row.id}/repair`, { method: 'POST' });
      await props.onChanged();
      if (done.outcome === 'failed') throw new Error(text.notRepaired(done.detail));
      return text.repairedNow(done.source);
    });
  return (
    <section className="integrity-section">
      <h2>{text.wrongTitle}</h2>
      {[failure, problem].filter(Boolean).map((reason) => (
        <p key={reason} className="notice notice-bad">
          {reason}
        </p>
      ))}
      {sentence && (
        <p className="notice" aria-live="polite">
          {sentence}
        </p>
      )}
      {rows.length === 0 && value && <p className="soft">{text.nothingWrong}</p>}
      {rows.length > 0 && (
        <table className="table integrity-table">
          <thead>
            <tr>
              <th>{text.columns.patient}</th>
              <th>{text.columns.what}</th>
              <th>{text.columns.where}</th>
              <th>{text.columns.found}</th>
              <th>{text.columns.actions}</th>
            </tr>
          </thead>
          {[...studies].map(([study, found]) => (
            <tbody key={study}>
              {found.map((row, i) => (
                <tr key={row.id}>
                  {i === 0 && (
                    <td rowSpan={found.length} className="integrity-patient">
                      <Patient row={row} />
                    </td>
                  )}
                  <td>
                    <span className={badge[row.severity]}>{text.severity[row.severity]}</span>{' '}
                    <strong>{row.kind}</strong>
                    <p>{row.text}</p>
                  </td>
                  <td className="integrity-hash">{row.key}</td>
                  <td className="integrity-when">{formatInstant(row.foundAt)}</td>
                  <td>
                    {repairable.test(row.kind) && (
                      <button type="button" className="button" disabled={busy} onClick={() => void repair(row)}>
                        {text.repair}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          ))}
        </table>
      )}
      {notes > 0 && !withNotes && (
        <button type="button" className="button" onClick={() => setWithNotes(true)}>
          {text.showNotes(notes)}
        </button>
      )}
    </section>
  );
}

function Patient({ row }: { row: FindingRow }) {
  const { patientName, patientID, studyDate, studyDescription, studyInstanceUID } = row;
  return (
    <>
      <strong>{formatPersonName(patientName) || text.unknownPatient}</strong>
      <p>{patientID}</p>
      <p className="soft">{[formatDate(studyDate), studyDescription].filter(Boolean).join(' · ')}</p>
      {studyInstanceUID && <Link to={`./integrity?study=${studyInstanceUID}`}>{text.hashes}</Link>}
    </>
  );
}
