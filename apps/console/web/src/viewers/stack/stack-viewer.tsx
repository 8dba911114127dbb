import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';
import type { SeriesPath } from '../../api/dicomweb.js';
import { type DicomJson, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';
import { ErrorNotice } from '../../parts/error-notice.js';
import { useElementSize } from '../use-element-size.js';
import { useKeys } from '../use-keys.js';
import { useWheel } from '../use-wheel.js';
import { buildStacks, type Stack } from './build-stacks.js';
import { prefetchOrder } from './prefetch-order.js';
import { renderedFrameUrl } from './rendered-frame-url.js';
import { placeFrame, type Pose, restingPose, zoomAt } from './stack-geometry.js';
import { StackOverlay } from './stack-overlay.js';
import { StackToolbar } from './stack-toolbar.js';
import { useCine } from './use-cine.js';
import { useFrames } from './use-frames.js';
import { dragWindow, type Window, windowPresets } from './window.js';

const prefetchAhead = 10;
const prefetchBehind = 4;
const wheelPixelsPerSlice = 60;

type Drag = { tool: 'window'; from: Window } | { tool: 'pan'; from: Pose };

interface StackViewerProps {
  series: SeriesPath;
  instances: DicomJson[];
}

/** Scrolls through the pictures of a series: CT and MR stacks, films, clips. */
export function StackViewer({ series, instances }: StackViewerProps) {
  const stacks = useMemo(() => buildStacks(instances), [instances]);
  const [at, setAt] = useState(0);
  const stack = stacks[Math.min(at, stacks.length - 1)];
  const modality = textOf(instances[0], tag.Modality);
  if (!stack) return <p className="notice">This series has no pictures.</p>;
  return (
    <StackView key={stack.name} series={series} stack={stack} modality={modality}>
      {stacks.length > 1 && (
        <label className="tool-group">
          <span className="faint">{stack.isVolume || stack.frames.length === 1 ? 'Stack' : 'Clip'}</span>
          <select value={stack.name} onChange={(event) => setAt(Number(event.target.value) - 1)}>
            {stacks.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name} of {stacks.length} ({each.frames.length})
              </option>
            ))}
          </select>
        </label>
      )}
    </StackView>
  );
}

interface StackViewProps {
  series: SeriesPath;
  stack: Stack;
  modality: string | undefined;
  children: React.ReactNode;
}

function StackView({ series, stack, modality, children }: StackViewProps) {
  const count = stack.frames.length;
  // A volume opens in its middle, a clip at its start.
  const [index, setIndex] = useState(stack.isVolume ? Math.floor((count - 1) / 2) : 0);
  const [direction, setDirection] = useState<1 | -1>(1);
  const [window, setWindow] = useState<Window>();
  const [pose, setPose] = useState(restingPose);
  const [isInverted, setInverted] = useState(false);
  const [isDragging, setDragging] = useState(false);
  const frames = useFrames();
  const stageRef = useRef<HTMLDivElement>(null);
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const size = useElementSize(stageRef);
  const presets = windowPresets(modality);
  const frame = stack.frames[index]!;
  const pixels = globalThis.devicePixelRatio;
  const canvas = { width: Math.round(size.width * pixels), height: Math.round(size.height * pixels) };

  const urlOf = (slice: number) => {
    const each = stack.frames[slice]!;
    return renderedFrameUrl(series, each, window, placeFrame(each, canvas, pose));
  };
  const url = urlOf(index);
  const currentWindow = window ?? frame.storedWindow;

  const move = (step: number) => {
    setDirection(step < 0 ? -1 : 1);
    setIndex((last) => Math.min(Math.max(last + step, 0), count - 1));
  };
  const cine = useCine(
    count,
    stack.framesPerSecond,
    (next) => frames.has(urlOf(next)),
    index,
    (next) => {
      setDirection(1);
      setIndex(next);
    },
  );

  // A picture smaller than the stage has the same address at every size: that there is a stage must count by itself.
  const isMeasured = canvas.width > 0;
  useEffect(() => {
    if (!isMeasured) return;
    const ahead = cine.isPlaying ? Math.max(prefetchAhead, 2 * Math.ceil(cine.framesPerSecond)) : prefetchAhead;
    const order = isDragging ? [index] : prefetchOrder(index, count, direction, ahead, prefetchBehind);
    // A clip starts again at its end.
    const wrapped = cine.isPlaying ? [...order, ...prefetchOrder(0, Math.min(count, ahead), 1, ahead, 0)] : order;
    frames.want([...new Set(wrapped)].map(urlOf));
  }, [url, direction, isDragging, isMeasured, cine.isPlaying, frames]);

  // The newest picture asked for that is here: while one loads, the one before stays.
  const asked = useRef<string[]>([]);
  if (asked.current.at(-1) !== url) asked.current = [...asked.current.slice(-40), url];
  const shownUrl = asked.current.findLast((each) => frames.has(each));
  const isLate = shownUrl !== url;
  const error = frames.errorOf(url);

  useEffect(() => {
    const element = canvasRef.current;
    const context = element?.getContext('2d');
    if (!element || !context || canvas.width === 0) return;
    if (element.width !== canvas.width) element.width = canvas.width;
    if (element.height !== canvas.height) element.height = canvas.height;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const picture = shownUrl === undefined || error ? undefined : frames.get(shownUrl);
    if (!picture) return;
    const place = placeFrame(frame, canvas, pose);
    context.imageSmoothingQuality = 'high';
    context.imageSmoothingEnabled = place.width / picture.width < 4;
    context.filter = isInverted ? 'invert(1)' : 'none';
    context.drawImage(picture, place.left, place.top, place.width, place.height);
  });

  const wheelRest = useRef(0);
  useWheel(stageRef, (event) => {
    const delta = event.deltaMode === 0 ? event.deltaY : event.deltaY * wheelPixelsPerSlice;
    if (event.ctrlKey || count === 1) {
      const box = stageRef.current!.getBoundingClientRect();
      const x = (event.clientX - box.left - box.width / 2) * pixels;
      const y = (event.clientY - box.top - box.height / 2) * pixels;
      setPose((last) => zoomAt(last, Math.exp(-delta / 400), x, y));
      return;
    }
    cine.stop();
    // A mouse's notch is one slice; a touchpad's many small steps add up to one.
    wheelRest.current = Math.abs(delta) >= wheelPixelsPerSlice ? delta : wheelRest.current + delta;
    const steps = Math.trunc(wheelRest.current / wheelPixelsPerSlice);
    if (steps === 0) return;
    wheelRest.current = 0;
    move(Math.sign(steps));
  });

  const reset = () => {
    setWindow(undefined);
    setPose(restingPose);
    setInverted(false);
  };

  useKeys((event) => {
    const steps: Record<string, number> = {
      ArrowUp: -1,
      ArrowLeft: -1,
      ArrowDown: 1,
      ArrowRight: 1,
      PageUp: -10,
      PageDown: 10,
      Home: -count,
      End: count,
    };
    const preset = presets.find((each) => each.key === event.key);
    if (event.key in steps) {
      cine.stop();
      move(steps[event.key]!);
    } else if (preset) setWindow(preset.window);
    else if (event.key === ' ' && count > 1) cine.toggle();
    else if (event.key === '+' || event.key === '=') setPose((last) => zoomAt(last, 1.25, 0, 0));
    else if (event.key === '-') setPose((last) => zoomAt(last, 0.8, 0, 0));
    else if (event.key === 'i') setInverted((last) => !last);
    else if (event.key === 'r') reset();
    else return false;
    return true;
  });

  const drag = useRef<{ x: number; y: number; what: Drag } | undefined>(undefined);
  const onPointerDown = (event: PointerEvent) => {
    const isPan = event.button !== 0 || event.shiftKey || !frame.isMonochrome;
    drag.current = {
      x: event.clientX,
      y: event.clientY,
      what: isPan ? { tool: 'pan', from: pose } : { tool: 'window', from: currentWindow ?? frame.fullWindow },
    };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!drag.current) return;
    const { x, y, what } = drag.current;
    const deltaX = event.clientX - x;
    const deltaY = event.clientY - y;
    if (!isDragging && Math.hypot(deltaX, deltaY) < 3) return;
    setDragging(true);
    if (what.tool === 'window') setWindow(dragWindow(what.from, deltaX, deltaY));
    else setPose({ ...what.from, panX: what.from.panX + deltaX * pixels, panY: what.from.panY + deltaY * pixels });
  };
  const onPointerUp = () => {
    drag.current = undefined;
    setDragging(false);
  };

  return (
    <div className="viewer">
      <StackToolbar
        presets={frame.isMonochrome ? presets : []}
        window={window}
        onWindow={setWindow}
        onReset={reset}
        isInverted={isInverted}
        onInvert={() => setInverted(!isInverted)}
        onZoom={(factor) => setPose((last) => zoomAt(last, factor, 0, 0))}
        cine={count > 1 ? cine : undefined}
      >
        {children}
      </StackToolbar>
      <div
        ref={stageRef}
        className={`stage${frame.isMonochrome ? '' : ' stage-grab'}`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onDoubleClick={reset}
        onContextMenu={(event) => event.preventDefault()}
      >
        <canvas ref={canvasRef} aria-label={`Picture ${index + 1} of ${count}`} role="img" />
        {!error && (
          <StackOverlay
            frame={frame}
            index={index}
            count={count}
            window={currentWindow}
            zoom={pose.zoom}
            place={placeFrame(frame, size, { zoom: pose.zoom, panX: pose.panX / pixels, panY: pose.panY / pixels })}
            isLate={isLate}
            isMoved={pose !== restingPose}
          />
        )}
        {error && (
          <div className="stage-message">
            <ErrorNotice
              what={`Picture ${index + 1} could not be shown.`}
              error={error}
              onRetry={() => frames.retry(url)}
            />
          </div>
        )}
      </div>
      {count > 1 && (
        <input
          className="slider"
          type="range"
          min={1}
          max={count}
          value={index + 1}
          aria-label="Slice"
          onChange={(event) => {
            cine.stop();
            move(Number(event.target.value) - 1 - index);
          }}
        />
      )}
    </div>
  );
}
