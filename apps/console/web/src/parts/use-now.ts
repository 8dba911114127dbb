import { useEffect, useState } from 'react';

/** The time, again every `milliseconds`, for texts such as "2 min ago". */
export function useNow(milliseconds = 15_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return now;
}
