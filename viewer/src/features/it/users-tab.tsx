import { useState } from 'react';
import type { Role, UserCreate, UserPatch, UserRow } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { Dialog } from '../../shared/ui/dialog.tsx';
import { AskButton, ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

const text = pageMessages.it;
const roles = Object.keys(text.roles) as Role[];
const heads = [text.user, text.role, text.state, text.created, text.lastLogin, text.actions];

function AddUser(props: { busy: boolean; onAdd: (user: UserCreate) => Promise<boolean> }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('radiologist');
  const [password, setPassword] = useState('');
  return (
    <form
      className="it-form"
      aria-label={text.addUser}
      onSubmit={async (event) => {
        event.preventDefault();
        if (!(await props.onAdd({ name: name.trim(), role, password }))) return;
        setName('');
        setPassword('');
      }}
    >
      <label className="field">
        {text.user}
        <input
          className="input"
          required
          autoComplete="off"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="field">
        {text.role}
        <select className="input" value={role} onChange={(event) => setRole(event.target.value as Role)}>
          {roles.map((one) => (
            <option key={one} value={one}>
              {text.roles[one]}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        {text.password}
        <input
          className="input"
          type="password"
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={props.busy}>
        {text.addUser}
      </button>
    </form>
  );
}

function PasswordDialog(props: { name: string; onClose: () => void; onSave: (password: string) => Promise<string> }) {
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  return (
    <Dialog title={text.passwordFor(props.name)} onClose={props.onClose}>
      <form
        className="it-form"
        onSubmit={async (event) => {
          event.preventDefault();
          setProblem(await props.onSave(password));
        }}
      >
        <label className="field">
          {text.newPassword}
          <input
            className="input"
            type="password"
            required
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        <button type="submit" className="button button-primary">
          {text.save}
        </button>
      </form>
      <Sentences failures={[problem]} />
    </Dialog>
  );
}

/** Who may sign in. */
export function UsersTab() {
  const { value, failure, load } = useList<UserRow[]>('api/users');
  const { act, problem, done, busy } = useAction(load);
  const [passwordOf, setPasswordOf] = useState('');
  const [savedFor, setSavedFor] = useState('');
  const address = (name: string) => `api/users/${encodeURIComponent(name)}`;
  const patch = (name: string, body: UserPatch) => act(() => request(address(name), { method: 'PATCH', body }));
  const locked = (row: UserRow) => row.lockedUntil !== null && new Date(row.lockedUntil).getTime() > Date.now();
  return (
    <>
      <p className="soft">{text.addUserHint}</p>
      <Sentences failures={[failure, problem]} done={done || (savedFor && text.passwordSaved(savedFor))} />
      <AddUser
        busy={busy}
        onAdd={(user) => act(() => request('api/users', { method: 'POST', body: user }), text.userAdded(user.name))}
      />
      {value && (
        <ListTable heads={heads} empty={value.length === 0}>
          {value.map((row) => (
            <tr key={row.name}>
              <td>
                <strong>{row.name}</strong>
              </td>
              <td>{text.roles[row.role]}</td>
              <td>
                {row.disabled && <span className="badge badge-bad">{text.disabled}</span>}
                {locked(row) && (
                  <span className="badge badge-warn">
                    {text.locked} {formatInstant(row.lockedUntil)}
                  </span>
                )}
                {!row.disabled && !locked(row) && <span className="badge badge-good">{text.active}</span>}
              </td>
              <td className="it-when">{formatInstant(row.createdAt)}</td>
              <td className="it-when">{formatInstant(row.lastLoginAt) || text.never}</td>
              <td className="row">
                {locked(row) && (
                  <button type="button" className="button" onClick={() => void patch(row.name, { unlock: true })}>
                    {text.unlock}
                  </button>
                )}
                <button type="button" className="button" onClick={() => setPasswordOf(row.name)}>
                  {text.setPassword}
                </button>
                {row.disabled ? (
                  <button type="button" className="button" onClick={() => void patch(row.name, { disabled: false })}>
                    {text.enable}
                  </button>
                ) : (
                  <AskButton
                    label={text.disable}
                    question={text.disableUser(row.name)}
                    disabled={busy}
                    onYes={() => void patch(row.name, { disabled: true })}
                  />
                )}
                <AskButton
                  label={text.remove}
                  question={text.removeUser(row.name)}
                  disabled={busy}
                  onYes={() => void act(() => request(address(row.name), { method: 'DELETE' }))}
                />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
      {passwordOf && (
        <PasswordDialog
          name={passwordOf}
          onClose={() => setPasswordOf('')}
          onSave={async (password) => {
            try {
              await request(address(passwordOf), { method: 'PATCH', body: { password } });
            } catch (error) {
              return (error as Error).message;
            }
            setSavedFor(passwordOf);
            setPasswordOf('');
            await load();
            return '';
          }}
        />
      )}
    </>
  );
}
