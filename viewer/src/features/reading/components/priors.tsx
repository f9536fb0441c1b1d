import { useEffect, useState } from 'react';
import type { WorklistAnswer } from '../../../../../contract/api.ts';
import { queryString, request } from '../../../shared/api/client.ts';
import { formatDate } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { Link } from '../../../shared/ui/link.tsx';
import { textOf } from '../study/dicom-json.ts';
import type { StudyModel } from '../study/study-model.ts';

/** Same ID is the same patient only within one issuer; where no issuer is known the birth date must agree as well. */
function samePatient(row: WorklistAnswer['rows'][number], model: StudyModel): boolean {
  const issuer = textOf(model.attributes, '00100021');
  const born = textOf(model.attributes, '00100030');
  if (row.patientID !== textOf(model.attributes, '00100020') || row.issuerOfPatientID !== issuer) return false;
  return issuer !== '' || !row.patientBirthDate || !born || row.patientBirthDate === born;
}

/** Other studies of the patient of the first open study. */
export function Priors(props: { model: StudyModel; open: string[] }) {
  const [rows, setRows] = useState<WorklistAnswer['rows'] | null>(null);
  const id = textOf(props.model.attributes, '00100020');
  const { model } = props;
  useEffect(() => {
    const abort = new AbortController();
    if (!id) {
      setRows([]);
      return;
    }
    request<WorklistAnswer>(`api/worklist${queryString({ search: id, limit: 100, sort: '-studyDate' })}`, {
      signal: abort.signal,
    }).then(
      (answer) => setRows(answer.rows.filter((row) => samePatient(row, model))),
      () => undefined,
    );
    return () => abort.abort();
  }, [id, model]);
  const others = rows?.filter((row) => !props.open.includes(row.studyInstanceUID));
  if (!others) return null;
  return (
    <section className="priors">
      <header>{messages.reading.priors}</header>
      {others.length === 0 && <div className="soft">{messages.reading.noPriors}</div>}
      <ul>
        {others.map((row) => (
          <li key={row.studyInstanceUID}>
            <Link
              to={`./viewer?StudyInstanceUIDs=${props.open.concat(row.studyInstanceUID).join(',')}`}
              className="prior"
            >
              <strong>{formatDate(row.studyDate)}</strong> {row.modalities.join(' ')}
              <span className="soft"> {row.studyDescription}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
