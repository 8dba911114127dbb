import { useState } from 'react';
import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';

/** Videos, as the browser plays them. Not every browser knows every codec (MPEG-2, HEVC); then the file can be saved. */
export function VideoViewer({ series, instances }: { series: SeriesPath; instances: DicomJson[] }) {
  const [failed, setFailed] = useState<ReadonlySet<string>>(new Set());
  return (
    <div className="viewer">
      <div className="stage-paper">
        {instances.map((instance) => {
          const sopInstanceUid = textOf(instance, tag.SOPInstanceUID) ?? '';
          const url = `${instanceUrl({ ...series, sopInstanceUid })}/rendered`;
          return failed.has(url) ? (
            <p key={url} className="notice">
              This browser cannot play the video. <a href={url}>Save it</a>
            </p>
          ) : (
            <video key={url} src={url} controls loop onError={() => setFailed((last) => new Set(last).add(url))} />
          );
        })}
      </div>
    </div>
  );
}
