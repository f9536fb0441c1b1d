import { lazy, Suspense, useState } from 'react';
import { formatDate } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { textOf } from '../study/dicom-json.ts';
import type { Stack, StudyDocument } from '../study/study-model.ts';
import './document-list.css';
import type { FindPicture } from './report-view.tsx';

const DocumentDialog = lazy(() => import('./document-dialog.tsx'));

/** Finds the picture of a referenced object in the stacks. */
function finder(stacks: readonly Stack[], onGo: (stack: Stack, pictureId: string) => void): FindPicture {
  return ({ sopInstanceUID, frames }) => {
    const frame = (frames[0] ?? 1) - 1;
    for (const stack of stacks) {
      const n = stack.pictures.findIndex(
        (picture) => picture.instance.sopInstanceUID === sopInstanceUID && picture.frame === frame,
      );
      if (n >= 0) return { n: n + 1, go: () => onGo(stack, stack.pictures[n]!.id) };
    }
    return null;
  };
}

/** Reports, PDFs, recordings and videos of a study: a click opens one. */
export function DocumentList(props: {
  documents: readonly StudyDocument[];
  stacks: readonly Stack[];
  onGo: (stack: Stack, pictureId: string) => void;
}) {
  const [open, setOpen] = useState<StudyDocument | null>(null);
  if (props.documents.length === 0) return null;
  const find = finder(props.stacks, (stack, id) => {
    setOpen(null);
    props.onGo(stack, id);
  });
  return (
    <>
      <ul className="documents" aria-label={messages.reading.documents}>
        {props.documents.map((document) => (
          <li key={document.instance.key}>
            <button type="button" className="document-link" onClick={() => setOpen(document)}>
              <strong>{document.kind}</strong>
              {[document.description, formatDate(textOf(document.attributes, '00080023'))].filter(Boolean).join(', ')}
            </button>
          </li>
        ))}
      </ul>
      {open && (
        <Suspense fallback={null}>
          <DocumentDialog key={open.instance.key} document={open} find={find} onClose={() => setOpen(null)} />
        </Suspense>
      )}
    </>
  );
}
