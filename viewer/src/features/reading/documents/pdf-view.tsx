import { useMemo } from 'react';
import { documentMessages } from '../../../shared/messages.documents.en.ts';
import { bulkRangeOf, inlineBytesOf } from '../study/dicom-json.ts';
import { useBlobAddress } from './blob-address.ts';
import type { WholeObject } from './stored-object.ts';

/** The encapsulated document (PS3.3 C.24.2) when it is a PDF, without what pads it; undefined otherwise. */
export function pdfOf({ metadata, bytes }: WholeObject): Uint8Array | undefined {
  const range = bulkRangeOf(metadata, '00420011');
  const document = range ? bytes.subarray(range.start, range.end) : inlineBytesOf(metadata, '00420011');
  const start = String.fromCharCode(...(document?.subarray(0, 1024) ?? []));
  return start.includes('%PDF-') ? document : undefined;
}

/** A PDF in the browser's own viewer. Chromium and Firefox tell whether they have one. */
export function PdfView(props: { object: WholeObject; name: string }) {
  const pdf = useMemo(() => pdfOf(props.object), [props.object]);
  const address = useBlobAddress(pdf, 'application/pdf');
  if (!pdf) return <p className="document-note">{documentMessages.pdf.noPdf}</p>;
  return (
    <>
      <div className="document-actions">
        <a className="button" href={address} target="_blank" rel="noopener">
          {documentMessages.pdf.open}
        </a>
        <a className="button" href={address} download={`${props.name}.pdf`}>
          {documentMessages.pdf.save}
        </a>
      </div>
      {navigator.pdfViewerEnabled === false ? (
        <p className="document-note">{documentMessages.pdf.noViewer}</p>
      ) : (
        address && <iframe className="document-frame" title={documentMessages.pdf.title} src={address} />
      )}
    </>
  );
}
