import { useMemo } from 'react';
import { type SeriesPath, seriesMetadata, seriesUrl } from '../api/dicomweb.js';
import { useLoaded } from '../api/use-loaded.js';
import type { DicomJson } from '../dicom/dicom-json.js';
import { ErrorBoundary } from '../parts/error-boundary.js';
import { ErrorNotice } from '../parts/error-notice.js';
import { chooseSeriesViewer, chooseViewer, type ViewerKind } from './choose-viewer.js';
import { DocumentViewer } from './other/document-viewer.js';
import { UnknownViewer } from './other/unknown-viewer.js';
import { VideoViewer } from './other/video-viewer.js';
import { WaveformViewer } from './other/waveform-viewer.js';
import { ReportViewer } from './report/report-viewer.js';
import { SlideViewer } from './slide/slide-viewer.js';
import { StackViewer } from './stack/stack-viewer.js';

const viewers: Record<ViewerKind, (props: { series: SeriesPath; instances: DicomJson[] }) => React.ReactNode> = {
  stack: StackViewer,
  slide: SlideViewer,
  waveform: WaveformViewer,
  report: ReportViewer,
  document: DocumentViewer,
  video: VideoViewer,
  unknown: UnknownViewer,
};

/** Shows a series with the viewer for what it holds. `version` changes when the series does. */
export function SeriesViewer({ series, version }: { series: SeriesPath; version: string }) {
  const url = seriesUrl(series);
  const { data, error, reload } = useLoaded(`${url} ${version}`, (signal) => seriesMetadata(series, signal));
  const kind = useMemo(() => chooseSeriesViewer(data ?? []), [data]);
  const shown = useMemo(() => (data ?? []).filter((instance) => chooseViewer(instance) === kind), [data, kind]);
  if (error && !data) return <ErrorNotice what="This series could not be loaded." error={error} onRetry={reload} />;
  if (!data) return <p className="loading">Loading the series</p>;
  if (data.length === 0) return <p className="notice">This series is empty.</p>;
  const Viewer = viewers[kind];
  return (
    <ErrorBoundary key={url} what="The viewer broke on this series.">
      <Viewer key={url} series={series} instances={shown} />
      {shown.length < data.length && (
        <p className="viewer-note faint">
          {data.length - shown.length} of {data.length} objects of this series are of another kind and are not shown.
        </p>
      )}
    </ErrorBoundary>
  );
}
