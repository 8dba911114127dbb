import { decideFailure, type InferenceFailure } from '../api/models.js';
import { formatAgo } from '../format/format-ago.js';
import { Link, studyPath } from '../navigation.js';
import { Failure } from '../parts/failure.js';
import { useAct } from '../parts/use-act.js';
import { useNow } from '../parts/use-now.js';

/** Tasks that failed at every attempt: tried again, or laid aside. Their studies are read without AI. */
export function FailuresTable({ failures, onChanged }: { failures: InferenceFailure[]; onChanged: () => void }) {
  const now = useNow();
  const { isBusy, error, act } = useAct(onChanged);
  if (failures.length === 0) return <p className="faint">None: every task was done, or still has attempts left.</p>;
  return (
    <div className="table-scroll">
      <table className="plain">
        <thead>
          <tr>
            <th>Model</th>
            <th>Study</th>
            <th>Reason</th>
            <th>When</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {failures.map(({ workitemUid, studyInstanceUid, model, version, attempts, reason, failedAt }) => (
            <tr key={workitemUid}>
              <td>
                {model}
                <span className="second">{version}</span>
              </td>
              <td>{studyInstanceUid ? <Link to={studyPath(studyInstanceUid)}>open</Link> : 'deleted'}</td>
              <td className="wrap-anywhere">
                {reason}
                <span className="second">after {attempts} attempts</span>
              </td>
              <td className="nowrap">{formatAgo(failedAt, now)}</td>
              <td className="nowrap">
                <button
                  type="button"
                  className="quiet"
                  disabled={isBusy}
                  onClick={() => act(() => decideFailure(workitemUid, 'retry'))}
                >
                  Try again
                </button>
                <button
                  type="button"
                  className="quiet"
                  disabled={isBusy}
                  onClick={() => act(() => decideFailure(workitemUid, 'discard'))}
                >
                  Discard
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Failure error={error} />
    </div>
  );
}
