import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';

/** Encapsulated documents open beside, in what the browser has for them. */
export function DocumentViewer({ series, instances }: { series: SeriesPath; instances: DicomJson[] }) {
  return (
    <div className="viewer">
      <div className="stage-paper">
        <article className="report">
          <h2>{instances.length === 1 ? 'Document' : `${instances.length} documents`}</h2>
          <ul>
            {instances.map((instance) => {
              const sopInstanceUid = textOf(instance, tag.SOPInstanceUID) ?? '';
              return (
                <li key={sopInstanceUid}>
                  <a href={`${instanceUrl({ ...series, sopInstanceUid })}/rendered`} target="_blank" rel="noreferrer">
                    {textOf(instance, tag.DocumentTitle) ?? 'Untitled document'} (PDF)
                  </a>
                </li>
              );
            })}
          </ul>
        </article>
      </div>
    </div>
  );
}
