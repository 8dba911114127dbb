import { useEffect } from 'react';
import { ApiError } from '../api/api-error.js';
import { requestJson } from '../api/request.js';
import { useLoaded } from '../api/use-loaded.js';
import { ErrorNotice } from '../parts/error-notice.js';
import { Facts } from '../parts/facts.js';
import { Page } from '../parts/page.js';
import { getHealth } from './get-health.js';
import { HealthTable } from './health-table.js';

const parts = [
  { title: 'Models', path: '/api/models', about: 'What the inference workers can run, as found in the models folder.' },
  { title: 'Routing rules', path: '/api/rules', about: 'Which study goes to which models, and how urgently it is read.' },
  { title: 'Storage', path: '/api/storage', about: 'What the archive holds, tier by tier.' },
];

export function AdminPage() {
  useEffect(() => {
    document.title = 'Admin · Isocenter';
  }, []);
  return (
    <Page current="admin">
      <div className="admin">
        <Health />
        {parts.map((part) => (
          <Part key={part.path} {...part} />
        ))}
      </div>
    </Page>
  );
}

function Health() {
  const { data, error, isLoading, reload } = useLoaded('health', getHealth);
  return (
    <section>
      <PartHeading title="Health" isLoading={isLoading} onReload={reload} />
      {error && <ErrorNotice what="Health is unknown." error={error} onRetry={reload} />}
      {data && <HealthTable report={data} />}
    </section>
  );
}

function Part({ title, path, about }: { title: string; path: string; about: string }) {
  const { data, error, isLoading, reload } = useLoaded(path, (signal) => requestJson<unknown>(path, { signal }));
  const isMissing = error instanceof ApiError && (error.status === 404 || error.status === 501);
  return (
    <section>
      <PartHeading title={title} isLoading={isLoading} onReload={reload} />
      <p className="faint">{about}</p>
      {isMissing && (
        <p className="notice">
          Not available here: this process does not serve <code>{path}</code>. Is the app that does running?
        </p>
      )}
      {error && !isMissing && <ErrorNotice what={`${title} could not be loaded.`} error={error} onRetry={reload} />}
      {data !== undefined && !error && <Facts value={unwrap(data)} />}
    </section>
  );
}

function PartHeading({ title, isLoading, onReload }: { title: string; isLoading: boolean; onReload: () => void }) {
  return (
    <h2>
      {title}
      <button type="button" className="quiet" onClick={onReload} disabled={isLoading}>
        {isLoading ? 'Loading' : 'Refresh'}
      </button>
    </h2>
  );
}

/** `{ "models": [...] }` is shown as its list. */
function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.values(value);
  return entries.length === 1 && Array.isArray(entries[0]) ? entries[0] : value;
}
