import type { RegisteredModel } from '../api/admin.js';
import { formatAgo } from '../format/format-ago.js';
import { useNow } from '../parts/use-now.js';

export function ModelsTable({ models }: { models: RegisteredModel[] }) {
  const now = useNow();
  if (models.length === 0) return <p className="notice">No inference worker has registered a model.</p>;
  return (
    <div className="table-scroll">
      <table className="plain">
        <thead>
          <tr>
            <th>Model</th>
            <th>Version</th>
            <th>Intended use</th>
            <th>Tasks</th>
            <th>Outcomes</th>
            <th>Registered</th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <tr key={`${model.model} ${model.version}`}>
              <td>
                <strong>{model.title ?? model.model}</strong>
                <span className="second">{model.model}</span>
              </td>
              <td>
                {model.version}
                {!model.isCurrent && <span className="faint"> (replaced)</span>}
                <span className="second">
                  <code title={`SHA-256 of model.onnx: ${model.sha256}`}>{model.sha256.slice(0, 10)}</code>
                </span>
              </td>
              <td>
                {model.intendedUse ?? <span className="faint">not stated</span>}
                {model.limits.length > 0 && <div className="second wrap">{model.limits.join(' · ')}</div>}
                {model.licence && <div className="second wrap">{model.licence}</div>}
              </td>
              <td>
                <Counts
                  counts={[
                    [model.tasks.scheduled, 'waiting'],
                    [model.tasks.inProgress, 'running'],
                    [model.tasks.completed, 'done'],
                    [model.tasks.canceled, 'cancelled'],
                  ]}
                />
              </td>
              <td>
                <Counts
                  counts={[
                    [model.outcomes.positive, 'positive'],
                    [model.outcomes.negative, 'negative'],
                    [model.outcomes.inconclusive, 'inconclusive'],
                  ]}
                />
              </td>
              <td className="nowrap">{formatAgo(model.registeredAt, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Counts({ counts }: { counts: [number, string][] }) {
  const some = counts.filter(([count]) => count > 0);
  if (some.length === 0) return <span className="faint">none</span>;
  return some.map(([count, name]) => (
    <div key={name} className="nowrap">
      {count.toLocaleString('en')} {name}
    </div>
  ));
}
