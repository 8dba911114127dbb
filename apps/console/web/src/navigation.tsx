import { type MouseEvent, type ReactNode, useSyncExternalStore } from 'react';

const moved = 'isocenter:moved';

/** Goes to another page of the console without loading the document again. */
export function navigate(path: string): void {
  history.pushState(null, '', path);
  window.dispatchEvent(new Event(moved));
}

/** Changes the query of this page's address, without a step in the history. */
export function replaceSearch(search: string): void {
  if (location.search !== search) history.replaceState(history.state, '', location.pathname + search);
}

export const studyPath = (studyInstanceUid: string, seriesInstanceUid?: string): string =>
  `/studies/${studyInstanceUid}${seriesInstanceUid ? `?series=${seriesInstanceUid}` : ''}`;

/** The path and query in the address bar, as navigation (not `replaceSearch`) left them. */
export function useAddress(): string {
  return useSyncExternalStore(subscribe, () => location.pathname + location.search);
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener('popstate', onChange);
  window.addEventListener(moved, onChange);
  return () => {
    window.removeEventListener('popstate', onChange);
    window.removeEventListener(moved, onChange);
  };
}

interface LinkProps {
  to: string;
  children: ReactNode;
  className?: string;
  tabIndex?: number;
  current?: boolean;
}

/** A link within the console; with a modifier key it is an ordinary one. */
export function Link({ to, children, className, tabIndex, current }: LinkProps) {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a
      href={to}
      onClick={onClick}
      className={className}
      tabIndex={tabIndex}
      aria-current={current ? 'page' : undefined}
    >
      {children}
    </a>
  );
}
