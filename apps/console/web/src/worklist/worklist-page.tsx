import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { readingAct } from '../api/reading.js';
import { useSession } from '../api/session.js';
import { useLoaded } from '../api/use-loaded.js';
import { listChoices } from '../api/worklist.js';
import type { WorklistItem } from '../api/worklist-item.js';
import { navigate, replaceSearch, studyPath } from '../navigation.js';
import { ErrorNotice } from '../parts/error-notice.js';
import { Page } from '../parts/page.js';
import { useNow } from '../parts/use-now.js';
import { useReader } from '../parts/use-reader.js';
import { HowToSend } from './how-to-send.js';
import { LiveIndicator } from './live-indicator.js';
import { useLiveWorklist } from './use-live-worklist.js';
import { matchesWorklistFilter, noFilter, readWorklistFilter, writeWorklistFilter } from './worklist-filter.js';
import { WorklistFilters } from './worklist-filters.js';
import { WorklistRow } from './worklist-row.js';

const choicesMilliseconds = 30_000;

/** The study opened last: coming back, the reader is where they left. */
let lastOpened: string | undefined;

export function WorklistPage() {
  const [filter, setFilter] = useState(() => readWorklistFilter(location.search));
  const reader = useReader(useSession());
  const { scope, specialty, modality, bodyPart, ai } = filter;
  const question = useMemo(
    () => ({ scope, specialty, modality, bodyPart, ai, reader: reader.name }),
    [scope, specialty, modality, bodyPart, ai, reader.name],
  );
  const list = useLiveWorklist(question);
  const isNarrowed = [scope, specialty, modality, bodyPart, ai].some((value) => value !== '');
  const choices = useLoaded('/api/worklist/choices', listChoices);
  const [refusal, setRefusal] = useState<Error>();
  const now = useNow();
  const [selected, setSelected] = useState<string | undefined>(lastOpened);
  const searchRef = useRef<HTMLInputElement>(null);
  const rowsRef = useRef<HTMLTableSectionElement>(null);

  const shown = useMemo(() => list.items.filter((item) => matchesWorklistFilter(item, filter)), [list.items, filter]);
  useEffect(() => {
    const timer = setInterval(choices.reload, choicesMilliseconds);
    return () => clearInterval(timer);
  }, [choices.reload]);

  useEffect(() => replaceSearch(writeWorklistFilter(filter)), [filter]);
  const waiting = list.items.filter((item) => item.priority === 'HIGH' && item.state === 'SCHEDULED').length;
  useEffect(() => {
    document.title = waiting > 0 ? `(${waiting}) Worklist · Isocenter` : 'Worklist · Isocenter';
  }, [waiting]);

  const select = useCallback((item: WorklistItem) => setSelected(item.studyInstanceUid), []);
  const claim = useCallback(
    (item: WorklistItem) => {
      setRefusal(undefined);
      readingAct(item.workitemUid, 'claim', reader.name).then(
        () => navigate(studyPath(item.studyInstanceUid)),
        (error: Error) => setRefusal(error),
      );
    },
    [reader.name],
  );
  const open = useCallback((item: WorklistItem) => {
    lastOpened = item.studyInstanceUid;
    navigate(studyPath(item.studyInstanceUid));
  }, []);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      if (target.closest('select, textarea, button')) return;
      const isTyping = target.closest('input') !== null;
      const step = { ArrowDown: 1, ArrowUp: -1, ...(isTyping ? {} : { j: 1, k: -1 }) }[event.key];
      if (step !== undefined && shown.length > 0) {
        const at = shown.findIndex((item) => item.studyInstanceUid === selected);
        const next = shown[at < 0 ? 0 : Math.min(Math.max(at + step, 0), shown.length - 1)]!;
        setSelected(next.studyInstanceUid);
        rowsRef.current
          ?.querySelector(`[data-study="${CSS.escape(next.studyInstanceUid)}"]`)
          ?.scrollIntoView({ block: 'nearest' });
        event.preventDefault();
      } else if (event.key === 'Enter' && !target.closest('a')) {
        const item = shown.find((each) => each.studyInstanceUid === selected);
        if (item) open(item);
      } else if (event.key === '/' && !isTyping) {
        searchRef.current?.focus();
        event.preventDefault();
      } else if (event.key === 'Escape' && isTyping) {
        setFilter((last) => ({ ...last, text: '' }));
        searchRef.current?.blur();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [shown, selected, open]);

  return (
    <Page
      current="worklist"
      status={<LiveIndicator isLive={list.isLive} updatedAt={list.updatedAt} now={now} />}
      toolbar={
        <WorklistFilters
          filter={filter}
          choices={choices.data}
          hasLoaded={list.hasLoaded}
          shown={shown.length}
          loaded={list.items.length}
          total={list.total}
          isTotalExact={list.isTotalExact}
          searchRef={searchRef}
          onChange={setFilter}
        />
      }
    >
      {list.error && <ErrorNotice what="The worklist could not be loaded." error={list.error} onRetry={list.reload} />}
      {refusal && (
        <ErrorNotice what="The study was not claimed." error={refusal} onRetry={() => setRefusal(undefined)} />
      )}
      {!list.hasLoaded && list.isLoading && !list.error && <p className="loading">Loading the worklist</p>}
      {list.hasLoaded && list.items.length === 0 && !isNarrowed && <HowToSend />}
      {list.hasLoaded && list.items.length === 0 && isNarrowed && (
        <p className="loading">
          {filter.scope === 'completed' ? 'Nothing has been read yet.' : 'No study fits.'}{' '}
          <button type="button" className="quiet" onClick={() => setFilter(noFilter)}>
            Show what is to be read
          </button>
        </p>
      )}
      {list.items.length > 0 && (
        <table className="worklist" aria-label="Reading worklist">
          <thead>
            <tr>
              <th className="cell-thumbnail">
                <span className="hidden">Picture</span>
              </th>
              <th>Priority</th>
              <th>Patient</th>
              <th>Study</th>
              <th>Modality</th>
              <th>AI result</th>
              <th>Received</th>
              <th>Due</th>
              <th className="cell-reader">Reader</th>
              <th className="cell-size">Instances</th>
            </tr>
          </thead>
          <tbody ref={rowsRef}>
            {shown.map((item) => (
              <WorklistRow
                key={item.studyInstanceUid}
                item={item}
                now={now}
                isSelected={item.studyInstanceUid === selected}
                changedAt={list.changedAt.get(item.studyInstanceUid)}
                onSelect={select}
                onOpen={open}
                onClaim={reader.name === '' ? undefined : claim}
                reader={reader.name}
              />
            ))}
          </tbody>
        </table>
      )}
      {list.items.length > 0 && shown.length === 0 && (
        <p className="loading">
          None of the {list.items.length} loaded studies matches.{' '}
          <button type="button" className="quiet" onClick={() => setFilter(noFilter)}>
            Clear the filter
          </button>
        </p>
      )}
      {list.next !== null && (
        <p className="more">
          <button type="button" onClick={list.loadMore} disabled={list.isLoading}>
            Load more
          </button>
        </p>
      )}
    </Page>
  );
}
