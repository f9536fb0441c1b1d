import { useState } from 'react';
import { deskMessages as words } from '../../../shared/messages.desk.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import { defaultProtocols, keepProtocols, protocolTable } from '../viewport/hanging.ts';
import { readProtocols } from '../viewport/read-protocols.ts';

const textOfTable = () => JSON.stringify(protocolTable(), null, 2);

/** The table of hanging protocols, to change. */
export default function ProtocolsDialog(props: { onClose: () => void }) {
  const [text, setText] = useState(textOfTable);
  const [said, setSaid] = useState<{ bad: boolean; text: string } | null>(null);
  const save = () => {
    const read = readProtocols(text);
    if ('problem' in read) setSaid({ bad: true, text: read.problem });
    else {
      keepProtocols(read.protocols);
      setSaid({ bad: false, text: words.protocolsSaved });
    }
  };
  return (
    <Dialog wide title={words.protocolsTitle} onClose={props.onClose}>
      <p className="soft">{words.protocolsHelp}</p>
      <textarea
        className="protocols"
        aria-label={words.protocolsTitle}
        spellCheck={false}
        rows={20}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {said && <p role={said.bad ? 'alert' : 'status'}>{said.text}</p>}
      <button type="button" className="button" onClick={save}>
        {words.protocolsSave}
      </button>{' '}
      <button
        type="button"
        className="button"
        onClick={() => {
          keepProtocols(null);
          setText(JSON.stringify(defaultProtocols, null, 2));
          setSaid({ bad: false, text: words.protocolsSaved });
        }}
      >
        {words.protocolsReset}
      </button>
    </Dialog>
  );
}
