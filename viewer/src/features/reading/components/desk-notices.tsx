import { useEffect, useState } from 'react';
import { formatInstant, formatPersonName } from '../../../shared/format.ts';
import { correctionMessages } from '../../../shared/messages.corrections.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import { Link } from '../../../shared/ui/link.tsx';
import { identityOf, patientText, samePatient } from '../study/patient.ts';
import type { OpenedStudy, StudiesState } from '../study/study-loader.ts';

/** Patients of the open studies, one text for each, or [] where there is only one. */
function differentPatients(opened: OpenedStudy[]): string[] {
  const [first, ...others] = opened.map(({ model }) => model.attributes);
  if (!first || others.every((attributes) => samePatient(identityOf(first), identityOf(attributes)))) return [];
  return [...new Set([first, ...others].map(patientText))];
}

function Opening(props: { studies: number }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  if (seconds === 0) return null;
  return (
    <div className="desk-notice" role="status">
      {messages.reading.opening(props.studies, seconds)}
    </div>
  );
}

/** Above the panes, never over an image: what could not be opened, is not complete, or must not be mixed up. */
export function DeskNotices(props: StudiesState & { onRetry: (uid: string) => void }) {
  const patients = differentPatients(props.opened);
  const stale = props.opened.filter(({ problem }) => problem !== '');
  const retry = (uid: string) => (
    <button type="button" className="button" onClick={() => props.onRetry(uid)}>
      {messages.reading.retry}
    </button>
  );
  return (
    <>
      {patients.length > 0 && (
        <div className="desk-notice desk-notice-bad" role="alert">
          {messages.reading.twoPatients(patients)}
        </div>
      )}
      {props.opened.map(
        ({ model: { studyInstanceUID, corrected } }) =>
          corrected && (
            <div key={studyInstanceUID} className="desk-notice" role="note">
              {correctionMessages.notice(
                formatPersonName(corrected.patientName),
                corrected.patientID,
                corrected.by,
                formatInstant(corrected.at),
              )}
            </div>
          ),
      )}
      {props.failed.map(({ uid, reason }) => (
        <div key={uid} className="desk-notice desk-notice-bad" role="alert">
          <span>
            {reason} <span className="desk-notice-detail">{messages.reading.notOpened(uid)}</span>
          </span>
          {retry(uid)}
          <Link to="./" className="button">
            {messages.pages.toWorklist}
          </Link>
        </div>
      ))}
      {stale.map(({ model, problem }) => (
        <div key={model.studyInstanceUID} className="desk-notice desk-notice-warn" role="alert">
          <span>
            {messages.reading.notUpdated} {problem}
          </span>
          {retry(model.studyInstanceUID)}
        </div>
      ))}
      {props.loading.length > 0 && <Opening key={props.loading.join()} studies={props.loading.length} />}
    </>
  );
}
