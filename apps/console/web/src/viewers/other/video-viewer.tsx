import { useState } from 'react';
import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import { request } from '../../api/request.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';
import { ErrorNotice } from '../../parts/error-notice.js';

/** Videos, as the browser plays them. */
export function VideoViewer({ series, instances }: { series: SeriesPath; instances: DicomJson[] }) {
  return (
    <div className="viewer">
      <div className="stage-paper">
        {instances.map((instance) => {
          const sopInstanceUid = textOf(instance, tag.SOPInstanceUID) ?? '';
          return <Video key={sopInstanceUid} url={`${instanceUrl({ ...series, sopInstanceUid })}/rendered`} />;
        })}
      </div>
    </div>
  );
}

/** A video element does not tell why it cannot play; the server does, when it is the one who refuses. */
function Video({ url }: { url: string }) {
  const [problem, setProblem] = useState<'none' | 'format' | Error>('none');
  const findOut = () => {
    request(url, { accept: 'video/*, */*;q=0.1' }).then(
      async (response) => {
        await response.body?.cancel();
        setProblem('format');
      },
      (error: Error) => setProblem(error),
    );
  };
  if (problem instanceof Error) {
    return <ErrorNotice what="The video could not be shown." error={problem} onRetry={() => setProblem('none')} />;
  }
  if (problem === 'format') {
    return (
      <p className="notice">
        This browser does not know the format of the video (MPEG-2 and HEVC often are not known).{' '}
        <a href={url}>Save it</a>
      </p>
    );
  }
  return <video src={url} controls loop onError={findOut} />;
}
