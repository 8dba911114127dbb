import type { ReactElement } from 'react';
import type { AiState, Priority } from '../api/worklist-item.js';

const box = { width: 14, height: 14, viewBox: '0 0 14 14', 'aria-hidden': true } as const;

/** A shape for each priority, so that colour is never the only sign. */
const priorityShapes: Record<Priority, ReactElement> = {
  HIGH: <path d="M7 1 13.2 12.5H.8Z" fill="currentColor" />,
  MEDIUM: <path d="M7 .8 13.2 7 7 13.2.8 7Z" fill="currentColor" />,
  LOW: <circle cx="7" cy="7" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.8" />,
};

export function PriorityIcon({ priority }: { priority: Priority }) {
  return <svg {...box}>{priorityShapes[priority]}</svg>;
}

const line = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.8, strokeLinecap: 'round' } as const;

const aiShapes: Record<Exclude<AiState, 'pending'>, ReactElement> = {
  positive: (
    <>
      <circle cx="7" cy="7" r="6.2" fill="currentColor" />
      <path d="M7 3.9v6.2M3.9 7h6.2" {...line} stroke="var(--ground)" />
    </>
  ),
  negative: (
    <>
      <circle cx="7" cy="7" r="5.4" {...line} strokeWidth={1.4} />
      <path d="M4.6 7h4.8" {...line} />
    </>
  ),
  inconclusive: (
    <>
      <circle cx="7" cy="7" r="5.4" {...line} strokeWidth={1.4} strokeDasharray="2.2 2.2" />
      <path d="M5.4 5.6a1.7 1.7 0 1 1 2.3 1.6c-.5.2-.7.5-.7 1M7 10.2v.1" {...line} strokeWidth={1.4} />
    </>
  ),
  overridden: (
    <>
      <circle cx="7" cy="7" r="5.4" {...line} strokeWidth={1.4} />
      <path d="M3.4 10.6l7.2-7.2" {...line} />
    </>
  ),
  failed: <path d="m3 3 8 8M11 3l-8 8" {...line} />,
  'not-analysed': <path d="M3 7h8" {...line} strokeDasharray="1.5 3" />,
};

export function AiIcon({ state }: { state: AiState }) {
  if (state === 'pending') return <span className="spinner" aria-hidden="true" />;
  return <svg {...box}>{aiShapes[state]}</svg>;
}

export function BrandIcon() {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <g fill="none" stroke="var(--accent)" strokeWidth="1.6" strokeLinecap="round">
        <circle cx="10" cy="10" r="5.6" />
        <path d="M10 1.2v5M10 13.8v5M1.2 10h5M13.8 10h5" />
      </g>
      <circle cx="10" cy="10" r="1.6" fill="var(--text)" />
    </svg>
  );
}
