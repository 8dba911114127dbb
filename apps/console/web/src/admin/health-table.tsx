import { Facts } from '../parts/facts.js';
import { humanise } from '../format/humanise.js';
import type { HealthReport } from './get-health.js';

export function HealthTable({ report }: { report: HealthReport }) {
  return (
    <table className="plain">
      <thead>
        <tr>
          <th>Part</th>
          <th>State</th>
          <th>Details</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <td>Everything</td>
          <td className={report.status === 'ok' ? 'good' : 'bad'}>{report.status}</td>
          <td />
        </tr>
        {Object.entries(report.parts ?? {}).map(([name, { status, error, ...details }]) => (
          <tr key={name}>
            <td>{humanise(name)}</td>
            <td className={status === 'ok' ? 'good' : 'bad'}>{status}</td>
            <td>{error ?? (Object.keys(details).length > 0 ? <Facts value={details} depth={4} /> : null)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
