import { type FormEvent, useState } from 'react';
import { startSession } from '../api/session.js';
import { Failure } from './failure.js';

/** Asks for the API token of a suite that wants one. */
export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    startSession(token.trim()).then(onSignedIn, (cause: Error) => {
      setError(cause);
      setBusy(false);
    });
  };

  return (
    <form className="notice sign-in" onSubmit={submit}>
      <strong>Sign in</strong>
      <p>This suite asks for an API token. Whoever runs it can give you one.</p>
      <label>
        API token
        <input
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      <Failure error={error} />
      <button type="submit" disabled={isBusy}>
        Sign in
      </button>
    </form>
  );
}
