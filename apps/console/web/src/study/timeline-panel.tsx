import { useEffect } from 'react';
import { getTimeline } from '../api/reading.js';
import { useLoaded } from '../api/use-loaded.js';
import { ErrorNotice } from '../parts/error-notice.js';

/** What happened to the study, and when. @param version changes whenever something did */
export function TimelinePanel({ studyInstanceUid, version }: { studyInstanceUid: string; version: string }) {
  const { data, error, reload } = useLoaded(`timeline ${studyInstanceUid}`, (signal) =>
    getTimeline(studyInstanceUid, signal),
  );
  useEffect(() => reload(), [version, reload]);
  return (
    <section className="panel">
      <h2>Timeline</h2>
      {error && <ErrorNotice what="The timeline could not be loaded." error={error} onRetry={reload} />}
      <ol className="timeline">
        {(data?.events ?? []).map((event, index) => (
          <li key={index} className={`timeline-${event.kind}`}>
            <time dateTime={event.at} title={event.at}>
              {new Date(event.at).toLocaleString('sv-SE').slice(5, 19)}
            </time>
            <span>{event.text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
