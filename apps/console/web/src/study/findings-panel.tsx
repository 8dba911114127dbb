import { instanceUrl } from '../api/dicomweb.js';
import type { AiResult, AiState, Finding, WorklistItem } from '../api/worklist-item.js';
import { formatUnit, formatValue } from '../format/format-quantity.js';
import { AiIcon } from '../parts/icons.js';
import { aiStateNames } from '../worklist/worklist-filter.js';
import { ResultReview } from './result-review.js';

interface FindingsPanelProps {
  item: WorklistItem;
  onChanged: () => void;
  onOpenSeries: (seriesInstanceUid: string) => void;
}

export function FindingsPanel({ item, onChanged, onOpenSeries }: FindingsPanelProps) {
  const { ai } = item;
  return (
    <section className="panel">
      <h2>
        AI findings
        <span className={`ai ai-${ai.state}`}>
          <AiIcon state={ai.state} />
          {aiStateNames[ai.state]}
        </span>
      </h2>
      {ai.results.length === 0 && <p className="wrap">{ai.summary ?? 'No model has looked at this study.'}</p>}
      {ai.results.map((result, index) => (
        <Result
          key={`${result.model} ${result.version} ${index}`}
          studyInstanceUid={item.studyInstanceUid}
          workitemUid={item.workitemUid}
          result={result}
          onChanged={onChanged}
          onOpenSeries={onOpenSeries}
        />
      ))}
      <p className="disclaimer">
        For research use. Not a diagnosis: AI results order the list, they do not replace reading.
      </p>
    </section>
  );
}

interface ResultProps {
  studyInstanceUid: string;
  workitemUid: string;
  result: AiResult;
  onChanged: () => void;
  onOpenSeries: (seriesInstanceUid: string) => void;
}

function Result({ studyInstanceUid, workitemUid, result, onChanged, onOpenSeries }: ResultProps) {
  const state = stateOf(result);
  return (
    <article className="result">
      <header>
        <span className={`ai ai-${state}`}>
          <AiIcon state={state} />
          {state === 'pending' ? (result.state === 'SCHEDULED' ? 'Waiting' : 'Running') : aiStateNames[state]}
        </span>
        <span className="model" title="Model and version">
          {result.model} <span className="faint">{result.version}</span>
        </span>
      </header>
      {result.summary && <p>{result.summary}</p>}
      {result.error && <p className="bad">{result.error}</p>}
      {result.findings.length > 0 && (
        <table className="findings">
          <tbody>
            {result.findings.map((finding, index) => (
              <FindingRow key={index} finding={finding} />
            ))}
          </tbody>
        </table>
      )}
      <footer className="second">
        {result.report && (
          <>
            <button type="button" className="link" onClick={() => onOpenSeries(result.report!.seriesInstanceUid)}>
              Structured report
            </button>
            <a
              href={`${instanceUrl({ studyInstanceUid, ...result.report })}/metadata`}
              target="_blank"
              rel="noreferrer"
            >
              SR metadata
            </a>
          </>
        )}
        {result.finishedAt && (
          <time dateTime={result.finishedAt}>{new Date(result.finishedAt).toLocaleString('sv-SE').slice(0, 16)}</time>
        )}
      </footer>
      {result.outcome !== null && (
        <ResultReview workitemUid={workitemUid} result={result} onChanged={onChanged} onOpenSeries={onOpenSeries} />
      )}
    </article>
  );
}

function FindingRow({ finding }: { finding: Finding }) {
  return (
    <tr className={finding.flag === 'abnormal' ? 'abnormal' : undefined}>
      <th scope="row">{finding.name}</th>
      <td className="number">{formatValue(finding.value)}</td>
      <td className="unit">{formatUnit(finding.unit)}</td>
      <td className="flag">
        {finding.flag === 'abnormal' && <span className="flag-abnormal">abnormal</span>}
        {finding.flag === 'normal' && <span className="faint">normal</span>}
      </td>
    </tr>
  );
}

function stateOf(result: AiResult): AiState {
  if (result.state === 'SCHEDULED' || result.state === 'IN PROGRESS') return 'pending';
  if (result.state === 'CANCELED') return 'failed';
  const { outcome } = result;
  return outcome === 'positive' || outcome === 'negative' ? outcome : 'inconclusive';
}
