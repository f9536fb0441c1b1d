import { useState } from 'react';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { navigate } from '../../shared/navigation.ts';

/** To any study's hashes by its UID, as the viewer's address or a report has it. */
export function OpenStudy() {
  const [uid, setUid] = useState('');
  return (
    <section className="integrity-section integrity-screen">
      <h2>{text.openStudy}</h2>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (uid.trim()) navigate(`./integrity?study=${encodeURIComponent(uid.trim())}`);
        }}
      >
        <input
          className="input integrity-uid"
          aria-label={text.studyUID}
          placeholder={text.studyUID}
          spellCheck={false}
          maxLength={64}
          value={uid}
          onChange={(event) => setUid(event.target.value)}
        />
        <button type="submit" className="button">
          {text.show}
        </button>
      </form>
    </section>
  );
}
