import { type FormEvent, useState } from 'react';
import { changePriority, readingAct, releaseWhoever } from '../api/reading.js';
import { useSession } from '../api/session.js';
import type { Priority, WorklistItem } from '../api/worklist-item.js';
import { formatDue } from '../format/format-ago.js';
import { Failure } from '../parts/failure.js';
import { useAct } from '../parts/use-act.js';
import { useNow } from '../parts/use-now.js';
import { type Reader, useReader } from '../parts/use-reader.js';

interface ReadingPanelProps {
  item: WorklistItem;
  onChanged: () => void;
}

/** Takes the study for reading, gives it back, says that it was read, or how urgent it is. */
export function ReadingPanel({ item, onChanged }: ReadingPanelProps) {
  const reader = useReader(useSession());
  const { isBusy, error, act } = useAct(onChanged);
  const now = useNow();
  const due = formatDue(item.deadline, now);
  const isOpen = item.state === 'SCHEDULED' || item.state === 'IN PROGRESS';
  const isMine = item.state === 'IN PROGRESS' && item.performer === reader.name;
  const reading = (what: 'claim' | 'release' | 'complete') => () =>
    act(() => readingAct(item.workitemUid, what, reader.name));

  const claim = (event: FormEvent) => {
    event.preventDefault();
    reading('claim')();
  };

  return (
    <section className="panel reading">
      <h2>
        Reading
        {due && isOpen && (
          <span className={`due-${due.state}`}>
            {due.state === 'overdue' ? `overdue by ${due.by}` : `due ${due.text}`}
            {item.escalatedAt !== null && ' · escalated'}
          </span>
        )}
      </h2>
      {item.state === 'SCHEDULED' && (
        <form onSubmit={claim}>
          <ReaderName reader={reader} />
          <button
            type="submit"
            className="primary"
            disabled={isBusy || reader.name === '' || !reader.mayRead}
            title={reader.mayRead ? undefined : 'This token is not of somebody who reads'}
          >
            Start reading
          </button>
        </form>
      )}
      {item.state === 'IN PROGRESS' && (
        <>
          <p>{isMine ? 'You are' : `${item.performer ?? 'Somebody'} is`} reading this study.</p>
          <div className="buttons">
            {isMine && (
              <>
                <button type="button" className="primary" disabled={isBusy} onClick={reading('complete')}>
                  Mark as read
                </button>
                <button type="button" disabled={isBusy} onClick={reading('release')}>
                  Give back
                </button>
              </>
            )}
            {!isMine && reader.isAdmin && reader.isFixed && (
              <button type="button" disabled={isBusy} onClick={() => act(() => releaseWhoever(item.workitemUid))}>
                Take it back from {item.performer ?? 'them'}
              </button>
            )}
          </div>
        </>
      )}
      {item.state === 'COMPLETED' && <p>Read{item.performer && ` by ${item.performer}`}.</p>}
      {item.state === 'CANCELED' && <p>The reading task was cancelled.</p>}
      {isOpen && reader.name !== '' && reader.mayRead && (
        <PriorityForm
          key={item.priority}
          item={item}
          isBusy={isBusy}
          onChange={(priority, reason) => act(() => changePriority(item.workitemUid, reader.name, priority, reason))}
        />
      )}
      <Failure error={error} />
    </section>
  );
}

function ReaderName({ reader }: { reader: Reader }) {
  if (reader.isFixed) return <span className="reader-name">{reader.name || 'Nobody: this token has no name'}</span>;
  return (
    <input
      required
      maxLength={64}
      placeholder="Your name"
      aria-label="Your name"
      autoComplete="name"
      defaultValue={reader.name}
      onChange={(event) => reader.setName(event.target.value)}
    />
  );
}

interface PriorityFormProps {
  item: WorklistItem;
  isBusy: boolean;
  onChange: (priority: Priority | null, reason: string) => void;
}

/** Raises or lowers, with the reason: the next reader will ask. */
function PriorityForm({ item, isBusy, onChange }: PriorityFormProps) {
  const [reason, setReason] = useState('');
  const [wanted, setWanted] = useState<Priority | 'order'>(item.priority);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChange(wanted === 'order' ? null : wanted, reason);
    setReason('');
  };
  return (
    <details>
      <summary>
        {item.priority}: {item.priorityReason}
      </summary>
      <form className="priority-form" onSubmit={submit}>
        <select
          aria-label="Priority"
          value={wanted}
          onChange={(event) => setWanted(event.target.value as Priority | 'order')}
        >
          <option value="HIGH">HIGH</option>
          <option value="MEDIUM">MEDIUM</option>
          <option value="LOW">LOW</option>
          <option value="order">as ordered, and as models say</option>
        </select>
        <input
          required
          minLength={3}
          maxLength={300}
          placeholder="Why"
          aria-label="Why"
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <button type="submit" disabled={isBusy || wanted === item.priority}>
          Change priority
        </button>
      </form>
    </details>
  );
}
