import type { StoreCredential } from '../../../../storage/format/break-glass-envelope.ts';
import { DEFAULT_ENVELOPE } from '../../../../storage/format/break-glass-envelope.ts';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';

const text = lifeboatMessages.signIn;

/** What somebody types to get in: the password of an envelope, or an access key itself. */
export type TypedKey = { envelope: string; password: string } | StoreCredential;

/** The choice between the two ways in, and their fields. No browser may keep what is typed here. */
export function CredentialFields(props: { value: TypedKey; onChange: (value: TypedKey) => void }) {
  const { value, onChange } = props;
  const byPassword = 'password' in value;
  return (
    <>
      <fieldset className="lifeboat-how">
        <legend>{text.how}</legend>
        <label className="row">
          <input
            type="radio"
            name="how"
            checked={byPassword}
            onChange={() => onChange({ envelope: DEFAULT_ENVELOPE, password: '' })}
          />
          {text.byPassword}
        </label>
        <label className="row">
          <input
            type="radio"
            name="how"
            checked={!byPassword}
            onChange={() => onChange({ accessKey: '', secretKey: '' })}
          />
          {text.byKey}
        </label>
      </fieldset>
      {'password' in value ? (
        <div className="lifeboat-pair">
          <label className="field">
            {text.password}
            <input
              className="input"
              name="break-glass-password"
              type="password"
              autoComplete="off"
              required
              value={value.password}
              onChange={(event) => onChange({ ...value, password: event.target.value })}
            />
          </label>
          <label className="field">
            {text.envelope}
            <input
              className="input"
              name="envelope"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              required
              value={value.envelope}
              onChange={(event) => onChange({ ...value, envelope: event.target.value })}
            />
          </label>
        </div>
      ) : (
        <div className="lifeboat-pair">
          <label className="field">
            {text.accessKey}
            <input
              className="input"
              name="access-key"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              required
              value={value.accessKey}
              onChange={(event) => onChange({ ...value, accessKey: event.target.value })}
            />
          </label>
          <label className="field">
            {text.secretKey}
            <input
              className="input"
              name="secret-key"
              type="password"
              autoComplete="off"
              required
              value={value.secretKey}
              onChange={(event) => onChange({ ...value, secretKey: event.target.value })}
            />
          </label>
        </div>
      )}
    </>
  );
}
