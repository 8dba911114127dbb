import { useCallback, useState } from 'react';

export interface Acting {
  isBusy: boolean;
  /** Why the last one failed. */
  error: Error | undefined;
  act: (what: () => Promise<unknown>) => void;
}

/** Does one thing at a time, and says when it is done or why it is not. */
export function useAct(onDone: () => void): Acting {
  const [state, setState] = useState<'idle' | 'busy' | Error>('idle');
  const act = useCallback(
    (what: () => Promise<unknown>) => {
      setState('busy');
      what().then(
        () => {
          setState('idle');
          onDone();
        },
        (error: Error) => setState(error),
      );
    },
    [onDone],
  );
  return { isBusy: state === 'busy', error: state instanceof Error ? state : undefined, act };
}
