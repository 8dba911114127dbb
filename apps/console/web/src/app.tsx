import { AdminPage } from './admin/admin-page.js';
import { Link, useAddress } from './navigation.js';
import { ErrorBoundary } from './parts/error-boundary.js';
import { Page } from './parts/page.js';
import { readRoute, type Route } from './routes.js';
import { StudyPage } from './study/study-page.js';
import { WorklistPage } from './worklist/worklist-page.js';

export function App() {
  const path = useAddress().split('?')[0]!;
  return (
    <ErrorBoundary key={path} what="This page broke.">
      {show(readRoute(path))}
    </ErrorBoundary>
  );
}

function show(route: Route) {
  switch (route.page) {
    case 'worklist':
      return <WorklistPage />;
    case 'study':
      return <StudyPage studyInstanceUid={route.studyInstanceUid} />;
    case 'admin':
      return <AdminPage />;
    case 'unknown':
      return (
        <Page current="study">
          <section className="empty">
            <h2>No such page</h2>
            <p>
              <code>{route.path}</code> is not an address of the console. <Link to="/">Back to the worklist</Link>
            </p>
          </section>
        </Page>
      );
  }
}
