import { seriesUrl, type SeriesPath } from '../../api/dicomweb.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';

/** What cannot be shown here, said plainly. */
export function UnknownViewer({ series, instances }: { series: SeriesPath; instances: DicomJson[] }) {
  const sopClasses = [...new Set(instances.map((instance) => textOf(instance, tag.SOPClassUID) ?? 'unknown'))];
  return (
    <div className="viewer">
      <div className="stage-paper">
        <div className="notice">
          <strong>There is no viewer for this series here.</strong>
          <p>
            {instances.length} {instances.length === 1 ? 'object' : 'objects'} of SOP class {sopClasses.join(', ')}.
            They are stored as they came; any DICOMweb client can read them.
          </p>
          <a href={`${seriesUrl(series)}/metadata`} target="_blank" rel="noreferrer">
            Metadata
          </a>
        </div>
      </div>
    </div>
  );
}
