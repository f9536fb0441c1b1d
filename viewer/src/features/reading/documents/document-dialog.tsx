import { useCallback, useEffect, useRef, useState } from 'react';
import { documentMessages } from '../../../shared/messages.documents.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import { explicitBigEndian } from '../study/kinds.ts';
import type { StudyDocument } from '../study/study-model.ts';
import './documents.css';
import { PdfView } from './pdf-view.tsx';
import { type FindPicture, ReportView } from './report-view.tsx';
import { SlideView } from './slide-view.tsx';
import { readWhole, type WholeObject } from './stored-object.ts';
import { VideoView } from './video-view.tsx';
import { WaveformView } from './waveform-view.tsx';

/** A slide fetches its own tiles; all others are read whole. */
const nothing: WholeObject = { metadata: {}, bytes: new Uint8Array(0) };

function Body(props: { document: StudyDocument; object: WholeObject; find: FindPicture }) {
  const { document, object } = props;
  const name = document.instance.sopInstanceUID;
  switch (document.opens) {
    case 'report':
      return <ReportView object={object} find={props.find} />;
    case 'pdf':
      return <PdfView object={object} name={name} />;
    case 'video':
      return <VideoView stored={document} object={object} name={name} />;
    case 'slide':
      return <SlideView document={document} />;
    case 'waveform':
      return <WaveformView object={object} bigEndian={document.instance.transferSyntaxUID === explicitBigEndian} />;
  }
}

/** One document over the page: fetched, read and shown in the view of its kind. */
export default function DocumentDialog(props: { document: StudyDocument; find: FindPicture; onClose: () => void }) {
  const { document } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [object, setObject] = useState<WholeObject | null>(null);
  const [problem, setProblem] = useState('');
  const fetchIt = useCallback(() => {
    setProblem('');
    (document.opens === 'slide' ? Promise.resolve(nothing) : readWhole(document)).then(setObject, (error: unknown) =>
      setProblem(error instanceof Error ? error.message : String(error)),
    );
  }, [document]);
  useEffect(fetchIt, [fetchIt]);
  useEffect(() => {
    if (dialog.current && !dialog.current.open) dialog.current.showModal();
  }, []);
  const { url, sopInstanceUID } = document.instance;
  return (
    <dialog ref={dialog} className="dialog dialog-document" onClose={props.onClose} data-document={document.opens}>
      <div className="dialog-head">
        <h2>{[document.kind, document.description].filter(Boolean).join(': ')}</h2>
        {url && (
          <a className="button" href={url} download={`${sopInstanceUID}.dcm`}>
            {documentMessages.downloadOriginal}
          </a>
        )}
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          {messages.reading.close}
        </button>
      </div>
      <div className="document-body">
        {problem && (
          <p className="document-note" role="alert">
            {documentMessages.failed(problem)}{' '}
            <button type="button" className="button" onClick={fetchIt}>
              {documentMessages.retry}
            </button>
          </p>
        )}
        {!object && !problem && <p role="status">{documentMessages.opening}</p>}
        {object && <Body document={document} object={object} find={props.find} />}
      </div>
    </dialog>
  );
}
