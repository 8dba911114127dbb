import { type ReactNode, useEffect } from 'react';
import { getStorage, listRules } from '../api/admin.js';
import { ApiError } from '../api/api-error.js';
import { listFailures, listModels } from '../api/models.js';
import { getStorageProgress, isUnderWay } from '../api/storage-progress.js';
import { listFigures, listLevels, listWebhooks } from '../api/triage-admin.js';
import { useLoaded } from '../api/use-loaded.js';
import { ErrorBoundary } from '../parts/error-boundary.js';
import { ErrorNotice } from '../parts/error-notice.js';
import { Facts } from '../parts/facts.js';
import { Page } from '../parts/page.js';
import { FailuresTable } from './failures-table.js';
import { FiguresTable } from './figures-table.js';
import { getHealth } from './get-health.js';
import { HealthTable } from './health-table.js';
import { ModelsTable } from './models-table.js';
import { RulesTable } from './rules-table.js';
import { ServiceLevelsTable } from './service-levels-table.js';
import { StorageProgress } from './storage-progress.js';
import { WebhooksTable } from './webhooks-table.js';

export function AdminPage() {
  useEffect(() => {
    document.title = 'Admin · Isocenter';
  }, []);
  return (
    <Page current="admin">
      <div className="admin">
        <Part title="Health" path="/health/ready" load={getHealth} show={(report) => <HealthTable report={report} />} />
        <Part
          title="Waiting times"
          path="/api/figures"
          load={listFigures}
          show={({ days, figures }) => <FiguresTable days={days} figures={figures} />}
        />
        <Part
          title="Service levels"
          path="/api/service-levels"
          load={listLevels}
          show={({ levels }, reload) => <ServiceLevelsTable levels={levels} onChanged={reload} />}
        />
        <Part
          title="Webhooks"
          path="/api/webhooks"
          load={listWebhooks}
          show={(overview, reload) => <WebhooksTable overview={overview} onChanged={reload} />}
        />
        <Part
          title="Models"
          path="/api/models"
          load={listModels}
          show={({ models }, reload) => <ModelsTable models={models} onChanged={reload} />}
        />
        <Part
          title="Analyses given up"
          path="/api/inference/failures"
          load={listFailures}
          show={({ failures }, reload) => <FailuresTable failures={failures} onChanged={reload} />}
        />
        <Part
          title="Routing rules"
          path="/api/rules"
          load={listRules}
          show={({ match, rules }) => <RulesTable match={match} rules={rules} />}
        />
        <Part
          title="Moves, restores and scrubbing"
          path="/api/storage/moves"
          load={getStorageProgress}
          again={(progress) => (isUnderWay(progress) ? 2_000 : 20_000)}
          show={(progress) => <StorageProgress {...progress} />}
        />
        <Part title="Storage" path="/api/storage" load={getStorage} show={(usage) => <Facts value={usage} />} />
      </div>
    </Page>
  );
}

interface PartProps<T> {
  title: string;
  path: string;
  load: (signal: AbortSignal) => Promise<T>;
  show: (answer: T, reload: () => void) => ReactNode;
  /** After so many milliseconds it is loaded again while somebody looks; never, when absent. */
  again?: (answer: T) => number;
}

/** One section, loaded by itself: what one process does not serve leaves the others as they are. */
function Part<T>({ title, path, load, show, again }: PartProps<T>) {
  const { data, error, isLoading, reload } = useLoaded(path, load);
  const milliseconds = data === undefined ? undefined : again?.(data);
  useEffect(() => {
    if (milliseconds === undefined || isLoading) return;
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds, isLoading, reload]);
  // What is loaded again and again by itself does not say so each time.
  const isSaid = isLoading && milliseconds === undefined;
  const isMissing = error instanceof ApiError && (error.status === 404 || error.status === 501);
  return (
    <section>
      <h2>
        {title}
        <button type="button" className="quiet" onClick={reload} disabled={isSaid}>
          {isSaid ? 'Loading' : 'Refresh'}
        </button>
      </h2>
      {isMissing && (
        <p className="notice">
          Not available here: this process does not serve {path}. Is the app that does so running?
        </p>
      )}
      {error && !isMissing && <ErrorNotice what={`${title} could not be loaded.`} error={error} onRetry={reload} />}
      {data !== undefined && !error && (
        <ErrorBoundary what={`The answer of ${path} could not be shown.`}>
          <Shown answer={data} reload={reload} show={show} />
        </ErrorBoundary>
      )}
    </section>
  );
}

/** A component of its own, so that an answer of another shape breaks inside the boundary. */
function Shown<T>({ answer, reload, show }: Pick<PartProps<T>, 'show'> & { answer: T; reload: () => void }) {
  return show(answer, reload);
}
