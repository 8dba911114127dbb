import { type PointerEvent, useMemo, useRef, useState } from 'react';
import type { SeriesPath } from '../../api/dicomweb.js';
import type { DicomJson } from '../../dicom/dicom-json.js';
import { scaleBar } from '../scale-bar.js';
import { useElementSize } from '../use-element-size.js';
import { useKeys } from '../use-keys.js';
import { useWheel } from '../use-wheel.js';
import { buildPyramid, type Pyramid } from './build-pyramid.js';
import { SlideNavigator } from './slide-navigator.js';
import { apparentMagnification, chooseLevel, clampView, fitSlide, type SlideView, zoomView } from './slide-view.js';
import { TileLayer } from './tile-layer.js';

/** Pictures in the page at once. A slide with a single huge level would otherwise ask for all of its tiles. */
const tilesMax = 400;
const backdropTilesMax = 64;

interface SlideViewerProps {
  series: SeriesPath;
  instances: DicomJson[];
}

/** Deep zoom over the tiles of a whole slide. */
export function SlideViewer({ series, instances }: SlideViewerProps) {
  const pyramid = useMemo(() => buildPyramid(instances), [instances]);
  if (!pyramid) {
    return <p className="notice">This series says neither how large its slide nor how large its tiles are.</p>;
  }
  return <SlideStage series={series} pyramid={pyramid} />;
}

function SlideStage({ series, pyramid }: { series: SeriesPath; pyramid: Pyramid }) {
  const stageRef = useRef<HTMLDivElement>(null);
  const screen = useElementSize(stageRef);
  const [moved, setMoved] = useState<SlideView>();
  const [failed, setFailed] = useState<ReadonlySet<string>>(new Set());
  // Until it is moved the slide stays fitted, whatever becomes of the window.
  const view = moved ?? fitSlide(pyramid, screen);

  const zoom = (factor: number, x = 0, y = 0) => setMoved(zoomView(view, factor, x, y, pyramid, screen));
  const moveBy = (x: number, y: number) =>
    setMoved(clampView({ ...view, x: view.x + x / view.scale, y: view.y + y / view.scale }, pyramid, screen));

  useWheel(stageRef, (event) => {
    const box = stageRef.current!.getBoundingClientRect();
    const delta = event.deltaMode === 0 ? event.deltaY : event.deltaY * 40;
    zoom(
      Math.exp(-Math.min(Math.max(delta, -200), 200) / 300),
      event.clientX - box.left - box.width / 2,
      event.clientY - box.top - box.height / 2,
    );
  });

  useKeys((event) => {
    const step = Math.min(screen.width, screen.height) / 5;
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    if (event.key in steps) moveBy(...steps[event.key]!);
    else if (event.key === '+' || event.key === '=') zoom(1.5);
    else if (event.key === '-') zoom(1 / 1.5);
    else if (event.key === 'r' || event.key === 'Home') setMoved(undefined);
    else return false;
    return true;
  });

  const drag = useRef<{ x: number; y: number } | undefined>(undefined);
  const onPointerDown = (event: PointerEvent) => {
    drag.current = { x: event.clientX, y: event.clientY };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!drag.current) return;
    moveBy(drag.current.x - event.clientX, drag.current.y - event.clientY);
    drag.current = { x: event.clientX, y: event.clientY };
  };
  const onPointerUp = () => {
    drag.current = undefined;
  };

  const isReady = screen.width > 0 && screen.height > 0;
  const level = chooseLevel(pyramid, view.scale, globalThis.devicePixelRatio);
  const coarsest = pyramid.levels.at(-1)!;
  const bar = pyramid.millimetresPerPixel && scaleBar(pyramid.millimetresPerPixel / view.scale, 180);
  const finest = pyramid.levels[0]!;
  const layer = { series, view, screen, onFail: (url: string) => setFailed((last) => new Set(last).add(url)) };

  return (
    <div className="viewer">
      <div className="tools" role="toolbar" aria-label="Viewer">
        <div className="tool-group" role="group" aria-label="Zoom">
          <button type="button" title="Zoom out (-)" aria-label="Zoom out" onClick={() => zoom(1 / 1.5)}>
            {'−'}
          </button>
          <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => zoom(1.5)}>
            +
          </button>
          <button type="button" title="Whole slide (r)" onClick={() => setMoved(undefined)}>
            Whole slide
          </button>
          {pyramid.millimetresPerPixel && (
            <>
              {[5, 10, 20, 40]
                .filter((power) => power <= apparentMagnification(pyramid.millimetresPerPixel!, 1) * 1.5)
                .map((power) => (
                  <button
                    key={power}
                    type="button"
                    onClick={() => zoom(power / apparentMagnification(pyramid.millimetresPerPixel!, view.scale))}
                  >
                    {power}
                    {'×'}
                  </button>
                ))}
            </>
          )}
        </div>
        {failed.size > 0 && <span className="bad">{failed.size} tiles could not be loaded</span>}
        <span className="tools-hint faint">drag: move, wheel: zoom</span>
      </div>
      <div
        ref={stageRef}
        className="stage stage-grab stage-slide"
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onDoubleClick={() => setMoved(undefined)}
      >
        {isReady && (
          <>
            {level !== coarsest && <TileLayer {...layer} level={coarsest} tilesMax={backdropTilesMax} />}
            <TileLayer {...layer} key={level.downsample} level={level} tilesMax={tilesMax} />
            <div className="overlay">
              <div className="overlay-corner top-left">
                <div>
                  {finest.width.toLocaleString('en')} {'×'} {finest.height.toLocaleString('en')}
                </div>
                <div>
                  Level {pyramid.levels.indexOf(level) + 1} of {pyramid.levels.length}
                </div>
              </div>
              <div className="overlay-corner bottom-left">
                {pyramid.millimetresPerPixel
                  ? `≈ ${Number(apparentMagnification(pyramid.millimetresPerPixel, view.scale).toPrecision(2))}×`
                  : `${Math.round(view.scale * 100)} %`}
              </div>
              {bar && (
                <div className="scale-bar" style={{ width: bar.width }}>
                  {bar.label}
                </div>
              )}
            </div>
            <SlideNavigator series={series} pyramid={pyramid} view={view} screen={screen} onMove={setMoved} />
          </>
        )}
      </div>
    </div>
  );
}
