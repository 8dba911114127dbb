import { type PointerEvent, useEffect, useRef, useState } from 'react';
import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import { request } from '../../api/request.js';
import { useLoaded } from '../../api/use-loaded.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';
import { ErrorNotice } from '../../parts/error-notice.js';
import { useKeys } from '../use-keys.js';
import { useWheel } from '../use-wheel.js';

const zoomMin = 1;
const zoomMax = 6;

/** ECGs and other waveforms: the picture the server draws, on a paper that can be enlarged and moved. */
export function WaveformViewer({ series, instances }: { series: SeriesPath; instances: DicomJson[] }) {
  const [at, setAt] = useState(0);
  const sopInstanceUid = textOf(instances[at], tag.SOPInstanceUID) ?? '';
  const url = `${instanceUrl({ ...series, sopInstanceUid })}/rendered`;
  const picture = useLoaded(url, (signal) => loadPicture(url, signal));
  const source = useObjectUrl(picture.data);
  const [zoom, setZoom] = useState(1);
  const paperRef = useRef<HTMLDivElement>(null);

  const zoomBy = (factor: number, x?: number, y?: number) => {
    const paper = paperRef.current;
    const next = Math.min(Math.max(zoom * factor, zoomMin), zoomMax);
    if (!paper || next === zoom) return;
    const change = next / zoom;
    const pointX = x ?? paper.clientWidth / 2;
    const pointY = y ?? paper.clientHeight / 2;
    const left = (paper.scrollLeft + pointX) * change - pointX;
    const top = (paper.scrollTop + pointY) * change - pointY;
    setZoom(next);
    requestAnimationFrame(() => paper.scrollTo(left, top));
  };

  useWheel(paperRef, (event) => {
    if (event.shiftKey) {
      paperRef.current?.scrollBy(event.deltaY + event.deltaX, 0);
      return;
    }
    const box = paperRef.current!.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 500), event.clientX - box.left, event.clientY - box.top);
  });
  useKeys((event) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-120, 0],
      ArrowRight: [120, 0],
      ArrowUp: [0, -120],
      ArrowDown: [0, 120],
    };
    if (event.key in steps) paperRef.current?.scrollBy(...steps[event.key]!);
    else if (event.key === '+' || event.key === '=') zoomBy(1.5);
    else if (event.key === '-') zoomBy(1 / 1.5);
    else if (event.key === 'r') setZoom(1);
    else return false;
    return true;
  });
  const onPointerMove = (event: PointerEvent) => {
    if (event.buttons === 1) event.currentTarget.scrollBy(-event.movementX, -event.movementY);
  };

  return (
    <div className="viewer">
      <div className="tools" role="toolbar" aria-label="Viewer">
        {instances.length > 1 && (
          <select aria-label="Recording" value={at} onChange={(event) => setAt(Number(event.target.value))}>
            {instances.map((instance, index) => (
              <option key={textOf(instance, tag.SOPInstanceUID) ?? index} value={index}>
                Recording {index + 1} of {instances.length}
              </option>
            ))}
          </select>
        )}
        <div className="tool-group" role="group" aria-label="Zoom">
          <button type="button" title="Smaller (-)" aria-label="Smaller" onClick={() => zoomBy(1 / 1.5)}>
            {'−'}
          </button>
          <button type="button" title="Larger (+)" aria-label="Larger" onClick={() => zoomBy(1.5)}>
            +
          </button>
          <button type="button" title="Whole page (r)" onClick={() => setZoom(1)}>
            Whole page
          </button>
        </div>
        <a href={url} target="_blank" rel="noreferrer">
          Open the picture
        </a>
        <span className="tools-hint faint">drag: move, wheel: zoom</span>
      </div>
      <div ref={paperRef} className="stage-waveform" onPointerMove={onPointerMove}>
        {picture.error && (
          <ErrorNotice what="The waveform could not be drawn." error={picture.error} onRetry={picture.reload} />
        )}
        {!source && picture.isLoading && <p className="loading">Drawing the waveform</p>}
        {source && <img src={source} alt="Waveform" draggable={false} style={{ width: `${zoom * 100}%` }} />}
      </div>
    </div>
  );
}

async function loadPicture(url: string, signal: AbortSignal): Promise<Blob> {
  const response = await request(url, { signal, accept: 'image/svg+xml, image/png;q=0.9, image/jpeg;q=0.8' });
  return response.blob();
}

function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => {
      URL.revokeObjectURL(made);
      setUrl(undefined);
    };
  }, [blob]);
  return url;
}
