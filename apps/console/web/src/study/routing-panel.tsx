import { useState } from 'react';
import { completeStudy, type StudyRouting } from '../api/study.js';
import type { WorklistItem } from '../api/worklist-item.js';
import { Failure } from '../parts/failure.js';

interface RoutingPanelProps {
  item: WorklistItem;
  routing: StudyRouting;
  onChanged: () => void;
}

const states: Record<StudyRouting['state'], string> = {
  receiving: 'arriving',
  complete: 'complete',
  routed: 'routed',
};

/** Why the study went where it went. */
export function RoutingPanel({ item, routing, onChanged }: RoutingPanelProps) {
  return (
    <section className="panel routing">
      <h2>
        Routing<span className="second">{states[routing.state]}</span>
      </h2>
      <h3>Priority</h3>
      <p>
        {item.priority}: {item.priorityReason}
      </p>
      <h3>Specialty</h3>
      <p>{routing.specialty ? `${routing.specialty.value}: ${routing.specialty.reason}` : 'Not decided yet.'}</p>
      <h3>Completeness</h3>
      <Checks
        checks={(routing.completeness?.evidence ?? []).map(({ isMet, text }) => ({ isMet, text }))}
        none="Nothing was looked at yet."
      />
      {routing.state === 'receiving' && (
        <CompleteNow studyInstanceUid={item.studyInstanceUid} onCompleted={onChanged} />
      )}
      <h3>Rules</h3>
      <Rules rules={routing.rules} />
      {routing.models.length > 0 && (
        <>
          <h3>Models asked</h3>
          <Checks
            checks={routing.models.map(({ model, version, status }) => ({
              isMet: status === 'ordered',
              title: `${model}${version ? ` ${version}` : ''}`,
              text: status === 'ordered' ? 'ordered' : 'no worker offers it yet; it runs as soon as one does',
            }))}
            none=""
          />
        </>
      )}
    </section>
  );
}

/** The rules that fitted; the others, with what they missed, on request. */
function Rules({ rules }: { rules: StudyRouting['rules'] }) {
  const toCheck = ({ matched, name, reason }: StudyRouting['rules'][number]) => ({
    isMet: matched,
    title: name,
    text: reason,
  });
  const others = rules.filter((rule) => !rule.matched);
  return (
    <>
      <Checks
        checks={rules.filter((rule) => rule.matched).map(toCheck)}
        none={rules.length === 0 ? 'No rules were asked yet.' : 'No rule fits this study.'}
      />
      {others.length > 0 && (
        <details className="checks-rest">
          <summary>{others.length === 1 ? '1 rule does' : `${others.length} rules do`} not fit</summary>
          <Checks checks={others.map(toCheck)} none="" />
        </details>
      )}
    </>
  );
}

interface Check {
  isMet: boolean;
  title?: string;
  text: string;
}

function Checks({ checks, none }: { checks: Check[]; none: string }) {
  if (checks.length === 0) return <p className="second">{none}</p>;
  return (
    <ul className="checks">
      {checks.map((check, index) => (
        <li key={index} className={check.isMet ? 'met' : undefined}>
          <span className="mark" role="img" aria-label={check.isMet ? 'yes' : 'no'}>
            {check.isMet ? '✓' : '–'}
          </span>
          <span>
            {check.title && <span className="first">{check.title}</span>}
            <span className={check.title ? 'second' : undefined}>{check.text}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function CompleteNow({ studyInstanceUid, onCompleted }: { studyInstanceUid: string; onCompleted: () => void }) {
  const [state, setState] = useState<'idle' | 'busy' | Error>('idle');
  const complete = () => {
    setState('busy');
    completeStudy(studyInstanceUid).then(
      () => {
        setState('idle');
        onCompleted();
      },
      (error: Error) => setState(error),
    );
  };
  return (
    <>
      <button type="button" onClick={complete} disabled={state === 'busy'}>
        Nothing more will come: route it now
      </button>
      <Failure error={state instanceof Error ? state : undefined} />
    </>
  );
}
