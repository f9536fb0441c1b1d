import { formatBytes, formatCount } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import type { OtherObject } from '../study/study-model.ts';

/** One object without a picture: what it is, and its original file. */
function Row(props: { object: OtherObject }) {
  const { instance, kind, description } = props.object;
  return (
    <tr>
      <td>{kind}</td>
      <td>{description}</td>
      <td className="soft">{formatBytes(instance.size)}</td>
      <td>
        {instance.url && (
          <a href={instance.url} download={`${instance.sopInstanceUID}.dcm`}>
            {messages.reading.download}
          </a>
        )}
      </td>
    </tr>
  );
}

/** Everything that cannot be shown as a picture; nothing disappears. */
export function OthersTable(props: { objects: OtherObject[] }) {
  return (
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
        {props.objects.slice(0, 500).map((object) => (
          <Row key={object.instance.key} object={object} />
        ))}
      </tbody>
    </table>
  );
}

export function OthersDialog(props: { objects: OtherObject[]; onClose: () => void }) {
  return (
    <Dialog wide title={messages.reading.othersTitle(formatCount(props.objects.length))} onClose={props.onClose}>
      <OthersTable objects={props.objects} />
    </Dialog>
  );
}
