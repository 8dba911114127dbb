import { useEffect, useRef, useState } from 'react';

export interface Cine {
  isPlaying: boolean;
  framesPerSecond: number;
  setFramesPerSecond: (rate: number) => void;
  toggle: () => void;
  stop: () => void;
}

const rateWithoutAny = 15;
export const cineRateMin = 1;
export const cineRateMax = 60;

/** Plays a stack in a loop. A frame that is not here yet is waited for: the clip slows down, it does not skip. */
export function useCine(
  count: number,
  ownRate: number | undefined,
  isLoaded: (index: number) => boolean,
  index: number,
  show: (index: number) => void,
): Cine {
  const [isPlaying, setPlaying] = useState(false);
  const [rate, setRate] = useState(Math.round(Math.min(Math.max(ownRate ?? rateWithoutAny, cineRateMin), cineRateMax)));
  const latest = useRef({ isLoaded, index, show });
  latest.current = { isLoaded, index, show };

  useEffect(() => {
    if (!isPlaying) return;
    let last = performance.now();
    let request = 0;
    const tick = (now: number) => {
      request = requestAnimationFrame(tick);
      if (now - last < 1000 / rate - 2) return;
      const next = (latest.current.index + 1) % count;
      if (!latest.current.isLoaded(next)) return;
      last = now;
      latest.current.show(next);
    };
    request = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(request);
  }, [isPlaying, rate, count]);

  return {
    isPlaying,
    framesPerSecond: rate,
    setFramesPerSecond: setRate,
    toggle: () => setPlaying((last) => !last),
    stop: () => setPlaying(false),
  };
}
