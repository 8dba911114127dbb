import { type MouseEvent, memo } from 'react';
import type { WorklistItem } from '../api/worklist-item.js';
import { formatAge, formatDicomDate, formatDicomTime, parseDicomDate } from '../format/format-dicom-date.js';
import { formatAgo, formatDue } from '../format/format-ago.js';
import { formatPersonName } from '../format/format-person-name.js';
import { Link, studyPath } from '../navigation.js';
import { AiIcon, PriorityIcon } from '../parts/icons.js';
import { Thumbnail } from '../parts/thumbnail.js';
import { aiStateNames } from './worklist-filter.js';

interface WorklistRowProps {
  item: WorklistItem;
  now: number;
  isSelected: boolean;
  /** Changes with every live update of the row: the highlight starts again. */
  changedAt: number | undefined;
  onSelect: (item: WorklistItem) => void;
  onOpen: (item: WorklistItem) => void;
  /** undefined: nobody has said who reads. */
  onClaim: ((item: WorklistItem) => void) | undefined;
  reader: string;
}

const readingStates: Partial<Record<WorklistItem['state'], string>> = {
  'IN PROGRESS': 'being read',
  COMPLETED: 'read',
  CANCELED: 'cancelled',
};

export const WorklistRow = memo(function WorklistRow(props: WorklistRowProps) {
  const { item, now, isSelected, changedAt, onSelect, onOpen, onClaim, reader } = props;
  const due = formatDue(item.deadline, now);
  const age = formatAge(item.patientBirthDate, parseDicomDate(item.studyDate) ?? new Date(now));
  const open = (event: MouseEvent) => {
    // The name is a link of its own, so that a new tab works too.
    if (!(event.target as Element).closest('a, button')) onOpen(item);
  };
  return (
    <tr
      className={`row priority-${item.priority.toLowerCase()}${isSelected ? ' selected' : ''}`}
      data-study={item.studyInstanceUid}
      aria-current={isSelected || undefined}
      onMouseDown={() => onSelect(item)}
      onClick={open}
    >
      <td className="cell-thumbnail">
        <Thumbnail url={item.thumbnailUrl} fallback={item.modalities[0] ?? '?'} />
        {changedAt !== undefined && <span key={changedAt} className="changed" aria-hidden="true" />}
      </td>
      <td className="cell-priority" title={item.priorityReason}>
        <span className="priority">
          <PriorityIcon priority={item.priority} />
          {item.priority}
        </span>
        <span className="second">{item.priorityReason}</span>
      </td>
      <td className="cell-patient">
        <Link to={studyPath(item.studyInstanceUid)} className="name">
          {formatPersonName(item.patientName)}
        </Link>
        {item.isSample && <span className="badge">SAMPLE</span>}
        <span className="second">
          {[age, item.patientSex, item.patientId].filter(Boolean).join(' · ') || 'no patient ID'}
        </span>
      </td>
      <td className="cell-study">
        <span className="first">{item.studyDescription ?? <em>no description</em>}</span>
        <span className="second">
          {[formatDicomDate(item.studyDate), formatDicomTime(item.studyTime), item.accessionNumber]
            .filter(Boolean)
            .join(' · ') || 'no study date'}
        </span>
      </td>
      <td className="cell-modality">
        <span className="first">{item.modalities.join(' ') || '?'}</span>
        <span className="second">{item.specialty ?? 'no specialty'}</span>
      </td>
      <td className="cell-ai">
        <span className={`ai ai-${item.ai.state}`}>
          <AiIcon state={item.ai.state} />
          {aiStateNames[item.ai.state]}
        </span>
        <span className="second ai-summary" title={item.ai.summary ?? undefined}>
          {item.ai.summary ?? aiExplanation(item)}
        </span>
      </td>
      <td className="cell-time">
        <span className="first" title={item.receivedAt}>
          {formatAgo(item.receivedAt, now)}
        </span>
      </td>
      <td className="cell-time">
        <span className={`first due-${due?.state ?? 'none'}`} title={item.deadline ?? undefined}>
          {due?.text ?? 'no deadline'}
        </span>
        <span className="second">
          {due?.state === 'overdue' && `by ${due.by}`}
          {item.escalatedAt !== null && item.state !== 'COMPLETED' && (
            <span className="escalated" title={`It was told at ${item.escalatedAt} that this deadline nears`}>
              escalated
            </span>
          )}
        </span>
      </td>
      <td className="cell-reader">
        {item.state === 'SCHEDULED' && onClaim !== undefined ? (
          <button type="button" onClick={() => onClaim(item)}>
            Claim
          </button>
        ) : (
          <span className="first" title={item.performer ?? undefined}>
            {item.performer === null ? '' : item.performer === reader ? 'you' : item.performer}
          </span>
        )}
        <span className="second">{readingStates[item.state] ?? ''}</span>
      </td>
      <td className="cell-size">
        <span className="first">{item.numberOfInstances.toLocaleString('en')}</span>
        <span className="second">{item.numberOfSeries === 1 ? '1 series' : `${item.numberOfSeries} series`}</span>
      </td>
    </tr>
  );
});

function aiExplanation(item: WorklistItem): string {
  switch (item.ai.state) {
    case 'pending':
      return 'The models are working on it';
    case 'not-analysed':
      return 'No model was applied: read as usual';
    case 'failed':
      return item.ai.results.find((result) => result.error !== null)?.error ?? 'The analysis failed: read as usual';
    default:
      return '';
  }
}
