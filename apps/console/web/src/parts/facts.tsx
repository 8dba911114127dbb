import { formatBytes } from '../format/format-bytes.js';
import { humanise } from '../format/humanise.js';

const depthMax = 6;
const rowsMax = 200;

/** Any JSON value, laid out for reading: objects as terms and values, lists of objects as tables. */
export function Facts({ value, name = '', depth = 0 }: { value: unknown; name?: string; depth?: number }) {
  if (value === null || value === undefined || value === '') return <span className="faint">none</span>;
  if (typeof value === 'boolean') return <>{value ? 'yes' : 'no'}</>;
  if (typeof value === 'number') return <>{/bytes/i.test(name) ? formatBytes(value) : value.toLocaleString('en')}</>;
  if (typeof value === 'string') return <FactText text={value} />;
  if (Object.keys(value).length === 0) return <span className="faint">none</span>;
  if (depth >= depthMax) return <code>{JSON.stringify(value)}</code>;
  if (Array.isArray(value)) {
    if (value.every(isPlainObject)) return <FactTable rows={value} depth={depth} />;
    if (value.every((item) => typeof item !== 'object')) return <FactText text={value.map(String).join(', ')} />;
    return (
      <ul>
        {value.slice(0, rowsMax).map((item, index) => (
          <li key={index}>
            <Facts value={item} depth={depth + 1} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <dl className="facts">
      {Object.entries(value).map(([key, item]) => (
        <div key={key}>
          <dt>{humanise(key)}</dt>
          <dd>
            <Facts value={item} name={key} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A plain table with the columns the rows have between them, in the order they first appear. */
export function FactTable({ rows, depth = 0 }: { rows: Record<string, unknown>[]; depth?: number }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div className="table-scroll">
      <table className="plain">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column}>{humanise(column)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, rowsMax).map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>
                  <Facts value={row[column]} name={column} depth={depth + 1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > rowsMax && (
        <p className="faint">
          The first {rowsMax} of {rows.length}.
        </p>
      )}
    </div>
  );
}

function FactText({ text }: { text: string }) {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text))) {
    return (
      <time dateTime={text} title={text}>
        {new Date(text).toLocaleString('sv-SE').slice(0, 19)}
      </time>
    );
  }
  if (/^[0-9a-f]{40,}$/.test(text)) {
    return (
      <code title={text}>
        {text.slice(0, 12)}
        {'…'}
      </code>
    );
  }
  return <>{text}</>;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
