import { useState } from 'react';
import { formatBytes, formatCount } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import type { Unshown } from '../study/unshown.ts';

const atFirst = 200;

/** Every object that is not on the screen as a picture, with its original file; nothing disappears. */
export function OthersTable(props: { objects: Unshown[] }) {
  const [limit, setLimit] = useState(atFirst);
  const left = props.objects.length - limit;
  if (props.objects.length === 0) return null;
  return (
    <>
      <table className="table">
        <thead>
          <tr>
            <th>Kind</th>
            <th>Description</th>
            <th>Size</th>
            <th>{messages.reading.downloadOriginal}</th>
          </tr>
        </thead>
        <tbody>
          {props.objects.slice(0, limit).map(({ key, kind, description, size, url, name }) => (
            <tr key={key}>
              <td>{kind}</td>
              <td>{description}</td>
              <td className="soft">{formatBytes(size)}</td>
              <td>
                {url && (
                  <a
                    href={url}
                    download={`${name}.dcm`}
                    aria-label={`${messages.reading.download} ${kind} ${description}`}
                  >
                    {messages.reading.download}
                  </a>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {left > 0 && (
        <button type="button" className="button" onClick={() => setLimit(Number.POSITIVE_INFINITY)}>
          {messages.reading.showMore(formatCount(left))}
        </button>
      )}
    </>
  );
}

export function OthersDialog(props: { objects: Unshown[]; onClose: () => void }) {
  return (
    <Dialog wide title={messages.reading.othersTitle(formatCount(props.objects.length))} onClose={props.onClose}>
      <OthersTable objects={props.objects} />
    </Dialog>
  );
}
