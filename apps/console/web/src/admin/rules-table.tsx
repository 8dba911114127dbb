import type { RoutingRule } from '../api/admin.js';
import { describeMatcher } from './describe-matcher.js';

interface Definition {
  description?: string;
  level?: string;
  when?: unknown;
  gives?: {
    models?: { model: string; version: string }[];
    priority?: string;
    deadlineMinutes?: number;
    isLast?: boolean;
  };
}

export function RulesTable({ match, rules }: { match: 'all' | 'first'; rules: RoutingRule[] }) {
  if (rules.length === 0) return <p className="notice">There are no rules: no study goes to a model.</p>;
  return (
    <>
      <p className="faint">
        {match === 'first' ? 'The first rule that fits a study decides.' : 'Every rule that fits a study counts.'}
      </p>
      <div className="table-scroll">
        <table className="plain">
          <thead>
            <tr>
              <th>Rule</th>
              <th>When</th>
              <th>Then</th>
              <th>State</th>
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <RuleRow key={rule.ruleId} rule={rule} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function RuleRow({ rule }: { rule: RoutingRule }) {
  const definition = (
    typeof rule.definition === 'object' && rule.definition !== null ? rule.definition : {}
  ) as Definition;
  const { gives } = definition;
  return (
    <tr>
      <td>
        <strong>{rule.name}</strong>
        {definition.description && <div className="second wrap">{definition.description}</div>}
      </td>
      <td>
        {definition.level === 'study' ? 'In the study: ' : 'A series: '}
        {describeMatcher(definition.when)}
      </td>
      <td>
        {(gives?.models ?? []).map(({ model, version }) => (
          <div key={model}>
            {model} <span className="faint">{version}</span>
          </div>
        ))}
        {gives?.priority && <div>at least {gives.priority}</div>}
        {gives?.deadlineMinutes !== undefined && <div>due in {gives.deadlineMinutes} min</div>}
        {gives?.isLast && <div>no further rules</div>}
      </td>
      <td>
        {rule.problem ? (
          <span className="bad">{rule.problem}</span>
        ) : rule.isEnabled ? (
          <span className="good">on</span>
        ) : (
          <span className="faint">off</span>
        )}
      </td>
    </tr>
  );
}
