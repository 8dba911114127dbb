import { useEffect, useRef } from 'react';

/** Keys anywhere on the page, except while typing; return true when the key was used. */
export function useKeys(onKey: (event: KeyboardEvent) => boolean): void {
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      if (target.closest('input:not([type=range]), select, textarea')) return;
      // Space and Enter on a focused control are that control's.
      if ((event.key === ' ' || event.key === 'Enter') && target.closest('button, a, summary')) return;
      if (latest.current(event)) event.preventDefault();
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}
