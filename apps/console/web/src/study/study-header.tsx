import type { WorklistItem } from '../api/worklist-item.js';
import { formatAge, formatDicomDate, formatDicomTime, parseDicomDate } from '../format/format-dicom-date.js';
import { formatPersonName } from '../format/format-person-name.js';
import { PriorityIcon } from '../parts/icons.js';

const sexes: Record<string, string> = { M: 'male', F: 'female', O: 'other' };

/** Whose study this is, and which. It sits in the bar of the page, always in sight. */
export function StudyHeader({ item }: { item: WorklistItem }) {
  const birthDate = formatDicomDate(item.patientBirthDate);
  const age = formatAge(item.patientBirthDate, parseDicomDate(item.studyDate) ?? new Date());
  return (
    <div className="study-header">
      <div className="study-patient">
        <span className="name">{formatPersonName(item.patientName)}</span>
        {item.isSample && <span className="badge">SAMPLE</span>}
        <span className="second">
          {[
            item.patientId,
            item.patientSex && (sexes[item.patientSex] ?? item.patientSex),
            age,
            birthDate && `born ${birthDate}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      <div className="study-study">
        <span className="first">{item.studyDescription ?? 'no description'}</span>
        <span className="second">
          {[
            item.modalities.join(' '),
            formatDicomDate(item.studyDate),
            formatDicomTime(item.studyTime),
            item.accessionNumber && `acc ${item.accessionNumber}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      <span className={`priority priority-${item.priority.toLowerCase()}`} title={item.priorityReason}>
        <PriorityIcon priority={item.priority} />
        {item.priority}
      </span>
    </div>
  );
}
