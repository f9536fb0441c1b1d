import { useEffect, useState } from 'react';
import type { WorklistAnswer } from '../../../../../contract/api.ts';
import { searchWorklist } from '../../../shared/api/worklist.ts';
import { formatDate } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { Link } from '../../../shared/ui/link.tsx';
import { textOf } from '../study/dicom-json.ts';
import { identityOf, samePatient } from '../study/patient.ts';
import type { StudyModel } from '../study/study-model.ts';

/** Other studies of the patient of the first open study. */
export function Priors(props: { model: StudyModel; open: string[] }) {
  const [rows, setRows] = useState<WorklistAnswer['rows'] | null>(null);
  const [problem, setProblem] = useState('');
  const id = textOf(props.model.attributes, '00100020');
  const { model } = props;
  useEffect(() => {
    const abort = new AbortController();
    if (!id) {
      setRows([]);
      return;
    }
    searchWorklist({ search: id, limit: 100, sort: '-studyDate' }, { signal: abort.signal }).then(
      (answer) => {
        setProblem('');
        setRows(answer.rows.filter((row) => samePatient(row, identityOf(model.attributes))));
      },
      (error: Error) => {
        if (!abort.signal.aborted) setProblem(error.message);
      },
    );
    return () => abort.abort();
  }, [id, model]);
  const others = rows?.filter((row) => !props.open.includes(row.studyInstanceUID));
  if (!others && !problem) return null;
  return (
    <section className="priors">
      <header>{messages.reading.priors}</header>
      {problem && <div className="receiving">{messages.reading.priorsFailed(problem)}</div>}
      {others?.length === 0 && <div className="soft">{messages.reading.noPriors}</div>}
      <ul>
        {others?.map((row) => (
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
