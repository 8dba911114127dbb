import { useEffect, useRef, useState } from 'react';
import { fetchPicture } from '../fetch-picture.js';
import { FrameLoader } from './frame-loader.js';

const bytesMax = 256 * 1024 * 1024;
const parallel = 4;

/** A loader of rendered frames for the life of a viewer; the component renders again when something arrives. */
export function useFrames(): FrameLoader<ImageBitmap> {
  const [, setChange] = useState(0);
  const loader = useRef<FrameLoader<ImageBitmap> | undefined>(undefined);
  loader.current ??= new FrameLoader({
    fetchPicture,
    bytesMax,
    parallel,
    onChange: () => setChange((count) => count + 1),
  });
  useEffect(
    () => () => {
      loader.current?.close();
      loader.current = undefined;
    },
    [],
  );
  return loader.current;
}
