import type { StudyFigures } from '../api/triage-admin.js';

/** How long studies wait, by specialty and priority. */
export function FiguresTable({ days, figures }: { days: number; figures: StudyFigures[] }) {
  if (figures.length === 0) return <p className="notice">No study arrived in the last {days} days.</p>;
  return (
    <div className="table-scroll">
      <table className="plain">
        <thead>
          <tr>
            <th>Specialty</th>
            <th>Priority</th>
            <th>Arrived in {days} days</th>
            <th>Open</th>
            <th>Overdue</th>
            <th>AI result (median, 95 %)</th>
            <th>Read (median, 95 %)</th>
            <th>Read in time</th>
          </tr>
        </thead>
        <tbody>
          {figures.map((figure) => (
            <tr key={`${figure.specialty} ${figure.priority}`}>
              <td>{figure.specialty ?? 'none'}</td>
              <td>{figure.priority}</td>
              <td>{figure.arrived.toLocaleString('en')}</td>
              <td>{figure.open.toLocaleString('en')}</td>
              <td className={figure.overdue > 0 ? 'bad' : undefined}>{figure.overdue.toLocaleString('en')}</td>
              <td>{formatWait(figure.arrivalToResult)}</td>
              <td>{formatWait(figure.arrivalToRead)}</td>
              <td>{figure.readInTime === null ? '' : `${Math.round(figure.readInTime * 100)} %`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function formatWait({ samples, medianSeconds, p95Seconds }: StudyFigures['arrivalToRead']): string {
  if (samples === 0 || medianSeconds === null || p95Seconds === null) return '';
  return `${formatSeconds(medianSeconds)}, ${formatSeconds(p95Seconds)}`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}
