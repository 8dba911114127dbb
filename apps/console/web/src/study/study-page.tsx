import { useEffect, useMemo, useState } from 'react';
import { searchSeries } from '../api/dicomweb.js';
import { useLoaded } from '../api/use-loaded.js';
import { formatPersonName } from '../format/format-person-name.js';
import { navigate, replaceSearch } from '../navigation.js';
import { ErrorNotice } from '../parts/error-notice.js';
import { Page } from '../parts/page.js';
import { SeriesViewer } from '../viewers/series-viewer.js';
import { useKeys } from '../viewers/use-keys.js';
import { FindingsPanel } from './findings-panel.js';
import { ReadingPanel } from './reading-panel.js';
import { RoutingPanel } from './routing-panel.js';
import { SeriesList } from './series-list.js';
import { chooseFirstSeries, readSeriesSummaries } from './series-summary.js';
import { StudyHeader } from './study-header.js';
import { TimelinePanel } from './timeline-panel.js';
import { useLiveStudy } from './use-live-study.js';

export function StudyPage({ studyInstanceUid }: { studyInstanceUid: string }) {
  const study = useLiveStudy(studyInstanceUid);
  const item = study.data?.item;
  // New instances change the counts, and with them the list of series.
  const version = item ? `${item.numberOfSeries}.${item.numberOfInstances}` : '';
  const [knownVersion, setKnownVersion] = useState(version);
  const list = useLoaded(`series ${studyInstanceUid}`, (signal) => searchSeries(studyInstanceUid, signal));
  const series = useMemo(() => readSeriesSummaries(list.data ?? []), [list.data]);
  const [wanted, setWanted] = useState(() => new URLSearchParams(location.search).get('series') ?? undefined);
  const selected = series.find((each) => each.seriesInstanceUid === wanted) ?? chooseFirstSeries(series);

  useEffect(() => {
    if (version === knownVersion) return;
    if (knownVersion !== '') list.reload();
    setKnownVersion(version);
  }, [version, knownVersion, list]);

  useEffect(() => {
    document.title = item ? `${formatPersonName(item.patientName)} · Isocenter` : 'Study · Isocenter';
  }, [item]);

  useKeys((event) => {
    if (event.key !== 'Escape') return false;
    navigate('/');
    return true;
  });

  const select = (seriesInstanceUid: string) => {
    setWanted(seriesInstanceUid);
    replaceSearch(`?series=${seriesInstanceUid}`);
  };

  if (study.error && list.error && !item) {
    const retry = () => {
      study.reload();
      list.reload();
    };
    return (
      <Page current="study">
        <ErrorNotice what="This study could not be loaded." error={study.error} onRetry={retry} />
      </Page>
    );
  }

  return (
    <Page current="study" toolbar={item && <StudyHeader item={item} />}>
      <div className="study">
        <aside className="study-series">
          {list.error && (
            <ErrorNotice what="The series could not be loaded." error={list.error} onRetry={list.reload} />
          )}
          {list.data && series.length === 0 && <p className="notice">The archive has no series of this study.</p>}
          <SeriesList
            studyInstanceUid={studyInstanceUid}
            series={series}
            selected={selected?.seriesInstanceUid}
            onSelect={select}
          />
        </aside>
        <section className="study-viewer" aria-label="Viewer">
          {selected ? (
            <SeriesViewer
              key={selected.seriesInstanceUid}
              series={{ studyInstanceUid, seriesInstanceUid: selected.seriesInstanceUid }}
              version={String(selected.instanceCount ?? '')}
            />
          ) : (
            list.isLoading && <p className="loading">Loading the study</p>
          )}
        </section>
        <aside className="study-panels">
          {study.error && (
            <ErrorNotice what="The study's record could not be loaded." error={study.error} onRetry={study.reload} />
          )}
          {study.data && (
            <>
              <FindingsPanel item={study.data.item} onChanged={study.reload} onOpenSeries={select} />
              <ReadingPanel item={study.data.item} onChanged={study.reload} />
              <TimelinePanel studyInstanceUid={studyInstanceUid} version={JSON.stringify(study.data.item)} />
              <RoutingPanel item={study.data.item} routing={study.data.routing} onChanged={study.reload} />
            </>
          )}
        </aside>
      </div>
    </Page>
  );
}
