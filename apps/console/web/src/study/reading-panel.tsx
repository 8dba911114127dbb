import { type FormEvent, useState } from 'react';
import { type ReadingAct, readingAct } from '../api/reading.js';
import type { WorklistItem } from '../api/worklist-item.js';
import { formatDue } from '../format/format-ago.js';
import { useNow } from '../parts/use-now.js';

const readerKey = 'isocenter.reader';

interface ReadingPanelProps {
  item: WorklistItem;
  onChanged: () => void;
}

/** Takes the study for reading, gives it back, or says that it was read. */
export function ReadingPanel({ item, onChanged }: ReadingPanelProps) {
  const [reader, setReader] = useState(() => localStorage.getItem(readerKey) ?? '');
  const [state, setState] = useState<'idle' | 'busy' | Error>('idle');
  const now = useNow();
  const due = formatDue(item.deadline, now);
  const name = reader.trim();

  const act = (what: ReadingAct) => {
    localStorage.setItem(readerKey, name);
    setState('busy');
    readingAct(item.workitemUid, what, name).then(
      () => {
        setState('idle');
        onChanged();
      },
      (error: Error) => setState(error),
    );
  };
  const claim = (event: FormEvent) => {
    event.preventDefault();
    act('claim');
  };

  const isMine = item.state === 'IN PROGRESS' && item.performer === name;
  return (
    <section className="panel reading">
      <h2>
        Reading
        {due && item.state !== 'COMPLETED' && (
          <span className={`due-${due.state}`}>
            {due.state === 'overdue' ? `overdue by ${due.by}` : `due ${due.text}`}
          </span>
        )}
      </h2>
      {item.state === 'SCHEDULED' && (
        <form onSubmit={claim}>
          <input
            required
            maxLength={64}
            placeholder="Your name"
            aria-label="Your name"
            autoComplete="name"
            value={reader}
            onChange={(event) => setReader(event.target.value)}
          />
          <button type="submit" className="primary" disabled={state === 'busy' || name === ''}>
            Start reading
          </button>
        </form>
      )}
      {item.state === 'IN PROGRESS' && (
        <>
          <p>{isMine ? 'You are' : `${item.performer ?? 'Somebody'} is`} reading this study.</p>
          {isMine && (
            <div className="buttons">
              <button type="button" className="primary" disabled={state === 'busy'} onClick={() => act('complete')}>
                Mark as read
              </button>
              <button type="button" disabled={state === 'busy'} onClick={() => act('release')}>
                Give back
              </button>
            </div>
          )}
        </>
      )}
      {item.state === 'COMPLETED' && <p>Read{item.performer && ` by ${item.performer}`}.</p>}
      {item.state === 'CANCELED' && <p>The reading task was cancelled.</p>}
      {state instanceof Error && (
        <p className="bad" role="alert">
          {state.message}
        </p>
      )}
    </section>
  );
}
