import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';
import { readReport, type ReportNode } from './read-report.js';

const verificationFlag = '0040A493';
const completionFlag = '0040A491';

/** Structured reports, as text. */
export function ReportViewer({ series, instances }: { series: SeriesPath; instances: DicomJson[] }) {
  return (
    <div className="viewer">
      <div className="stage-paper">
        {instances.map((instance) => {
          const report = readReport(instance);
          const sopInstanceUid = textOf(instance, tag.SOPInstanceUID) ?? '';
          return (
            <article key={sopInstanceUid} className="report">
              <h2>{report.heading || 'Structured report'}</h2>
              <p className="faint">
                {[textOf(instance, completionFlag)?.toLowerCase(), textOf(instance, verificationFlag)?.toLowerCase()]
                  .filter(Boolean)
                  .join(' · ')}{' '}
                <a href={`${instanceUrl({ ...series, sopInstanceUid })}/metadata`} target="_blank" rel="noreferrer">
                  metadata
                </a>
              </p>
              {report.children.length === 0 ? (
                <p className="faint">This report has no content items.</p>
              ) : (
                <ReportItems nodes={report.children} />
              )}
            </article>
          );
        })}
      </div>
    </div>
  );
}

function ReportItems({ nodes }: { nodes: ReportNode[] }) {
  return (
    <ul>
      {nodes.map((node, index) => (
        <li key={index} className={node.text === null ? 'report-container' : undefined}>
          {node.heading && <span className="report-heading">{node.heading}</span>}
          {node.text && <span className="report-text">{node.text}</span>}
          {node.reference && (
            <span className="report-reference" title={node.reference.sopInstanceUid}>
              {'…'}
              {node.reference.sopInstanceUid.slice(-14)}
              {node.reference.frames.length > 0 && ` frames ${node.reference.frames.slice(0, 12).join(', ')}`}
            </span>
          )}
          {node.children.length > 0 && <ReportItems nodes={node.children} />}
        </li>
      ))}
    </ul>
  );
}
