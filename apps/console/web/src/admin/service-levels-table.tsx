import { type FormEvent, useState } from 'react';
import { removeLevel, type ServiceLevel, setLevel } from '../api/triage-admin.js';
import { Failure } from '../parts/failure.js';
import { useAct } from '../parts/use-act.js';

/** Within how long studies are read, and how long before that it is told that they are not. */
export function ServiceLevelsTable({ levels, onChanged }: { levels: ServiceLevel[]; onChanged: () => void }) {
  const { isBusy, error, act } = useAct(onChanged);
  const [draft, setDraft] = useState({ specialty: '', priority: 'HIGH', within: '60', before: '15' });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    act(() =>
      setLevel({
        specialty: draft.specialty.trim() || '*',
        priority: draft.priority,
        readWithinMinutes: Number(draft.within),
        escalateBeforeMinutes: Number(draft.before),
      }),
    );
  };
  return (
    <>
      <div className="table-scroll">
        <table className="plain">
          <thead>
            <tr>
              <th>Specialty</th>
              <th>Priority</th>
              <th>Read within</th>
              <th>Told before</th>
              <th>Set by</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {levels.map((level) => (
              <tr key={`${level.specialty} ${level.priority}`}>
                <td>{level.specialty === '*' ? <em>every other</em> : level.specialty}</td>
                <td>{level.priority}</td>
                <td>{formatMinutes(level.readWithinMinutes)}</td>
                <td>{formatMinutes(level.escalateBeforeMinutes)}</td>
                <td>{level.updatedBy ?? <span className="faint">as delivered</span>}</td>
                <td>
                  {level.specialty !== '*' && (
                    <button
                      type="button"
                      className="quiet"
                      disabled={isBusy}
                      onClick={() => act(() => removeLevel(level))}
                    >
                      Remove
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <form className="admin-form" onSubmit={submit}>
        <label>
          Specialty
          <input
            placeholder="every other"
            value={draft.specialty}
            onChange={(event) => setDraft({ ...draft, specialty: event.target.value })}
          />
        </label>
        <label>
          Priority
          <select value={draft.priority} onChange={(event) => setDraft({ ...draft, priority: event.target.value })}>
            {['HIGH', 'MEDIUM', 'LOW'].map((priority) => (
              <option key={priority}>{priority}</option>
            ))}
          </select>
        </label>
        <label>
          Read within (min)
          <input
            type="number"
            min="1"
            required
            value={draft.within}
            onChange={(event) => setDraft({ ...draft, within: event.target.value })}
          />
        </label>
        <label>
          Told before (min)
          <input
            type="number"
            min="0"
            required
            value={draft.before}
            onChange={(event) => setDraft({ ...draft, before: event.target.value })}
          />
        </label>
        <button type="submit" disabled={isBusy}>
          Set
        </button>
      </form>
      <Failure error={error} />
    </>
  );
}

function formatMinutes(minutes: number): string {
  if (minutes % 1440 === 0 && minutes > 0) return `${minutes / 1440} d`;
  if (minutes % 60 === 0 && minutes > 0) return `${minutes / 60} h`;
  return `${minutes} min`;
}
