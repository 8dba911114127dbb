import { useState } from 'react';
import { activateModel, type RegisteredModel, removeModel, rollBackModel } from '../api/models.js';
import { formatAgo } from '../format/format-ago.js';
import { Failure } from '../parts/failure.js';
import { useAct } from '../parts/use-act.js';
import { useNow } from '../parts/use-now.js';
import { ModelUpload } from './model-upload.js';

/** The models there are, which version of each is in force, and how that is changed. */
export function ModelsTable({ models, onChanged }: { models: RegisteredModel[]; onChanged: () => void }) {
  return (
    <>
      {models.length === 0 && <p className="notice">No inference worker has registered a model.</p>}
      {models.length > 0 && <Table models={models} onChanged={onChanged} />}
      <ModelUpload onChanged={onChanged} />
    </>
  );
}

function Table({ models, onChanged }: { models: RegisteredModel[]; onChanged: () => void }) {
  const now = useNow();
  const { isBusy, error, act } = useAct(onChanged);
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
            <th />
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
                {model.isCurrent ? (
                  <span className="good"> in force</span>
                ) : (
                  <span className="faint"> not in force</span>
                )}
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
              <td className="nowrap">
                {formatAgo(model.registeredAt, now)}
                <span className="second">{model.source === 'upload' ? 'uploaded' : 'from the folder'}</span>
              </td>
              <td className="nowrap">
                <Actions model={model} hasOthers={hasOthers(models, model)} isBusy={isBusy} act={act} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Failure error={error} />
    </div>
  );
}

const hasOthers = (models: RegisteredModel[], { model, version }: RegisteredModel): boolean =>
  models.some((other) => other.model === model && other.version !== version);

interface ActionsProps {
  model: RegisteredModel;
  hasOthers: boolean;
  isBusy: boolean;
  act: (what: () => Promise<unknown>) => void;
}

function Actions({ model: { model, version, isCurrent, source }, hasOthers, isBusy, act }: ActionsProps) {
  const [isAsking, setIsAsking] = useState(false);
  const button = (label: string, what: () => Promise<unknown>) => (
    <button type="button" className="quiet" disabled={isBusy} onClick={() => act(what)}>
      {label}
    </button>
  );
  if (isCurrent) return hasOthers ? button('Roll back', () => rollBackModel(model)) : null;
  return (
    <>
      {button('Activate', () => activateModel(model, version))}
      {source === 'upload' && !isAsking && (
        <button type="button" className="quiet" disabled={isBusy} onClick={() => setIsAsking(true)}>
          Delete
        </button>
      )}
      {isAsking && button(`Delete ${version} for ever`, () => removeModel(model, version))}
    </>
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
