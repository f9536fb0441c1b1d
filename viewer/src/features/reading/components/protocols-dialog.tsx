import { useState } from 'react';
import type { HangingProtocol } from '../../../../../contract/preferences.ts';
import { keepPreference } from '../../../shared/api/preferences.ts';
import { deskMessages as words } from '../../../shared/messages.desk.en.ts';
import { useSession } from '../../../shared/session.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import { protocolTable } from '../viewport/hanging.ts';
import { readProtocols } from '../viewport/read-protocols.ts';

const textOfTable = () => JSON.stringify(protocolTable(), null, 2);

/** The table of hanging protocols, to change. */
export default function ProtocolsDialog(props: { onClose: () => void }) {
  const [text, setText] = useState(textOfTable);
  const [said, setSaid] = useState<{ bad: boolean; text: string } | null>(null);
  const { session } = useSession();
  const keep = async (table: HangingProtocol[] | undefined, forSite: boolean) => {
    try {
      await keepPreference('hanging', table, forSite);
      setSaid({ bad: false, text: words.protocolsSaved });
    } catch (error) {
      setSaid({ bad: true, text: error instanceof Error ? error.message : String(error) });
    }
  };
  const save = (forSite: boolean) => {
    const read = readProtocols(text);
    if ('problem' in read) setSaid({ bad: true, text: read.problem });
    else void keep(read.protocols, forSite);
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
      <button type="button" className="button" onClick={() => save(false)}>
        {words.protocolsSave}
      </button>{' '}
      <button
        type="button"
        className="button"
        onClick={() => {
          void keep(undefined, false).then(() => setText(textOfTable()));
        }}
      >
        {words.protocolsReset}
      </button>{' '}
      {session?.role === 'admin' && (
        <button type="button" className="button" onClick={() => save(true)}>
          {words.protocolsForSite}
        </button>
      )}
    </Dialog>
  );
}
