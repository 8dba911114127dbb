import { ApiError } from '../api/api-error.js';
import { SignIn } from './sign-in.js';

interface ErrorNoticeProps {
  /** What was tried: "The worklist could not be loaded." */
  what: string;
  error: Error;
  onRetry?: () => void;
}

/** Says what failed, where and why, and offers to try again; who is not signed in may sign in here. */
export function ErrorNotice({ what, error, onRetry }: ErrorNoticeProps) {
  if (error instanceof ApiError && error.status === 401) return <SignIn onSignedIn={reloadPage} />;
  return (
    <div className="notice notice-error" role="alert">
      <div>
        <strong>{what}</strong>
        <p>{error.message}</p>
        {error instanceof ApiError && (
          <p className="faint">
            <code>{error.path}</code>
            {error.status > 0 && ` · HTTP ${error.status}`}
          </p>
        )}
      </div>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Everything on the page was asked for by nobody. */
function reloadPage() {
  location.reload();
}
