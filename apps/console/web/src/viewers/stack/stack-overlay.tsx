import { scaleBar } from '../scale-bar.js';
import type { StackFrame } from './build-stacks.js';
import { edgeLetters } from './orientation-letters.js';
import type { Placement } from './stack-geometry.js';
import type { Window } from './window.js';

interface StackOverlayProps {
  frame: StackFrame;
  index: number;
  count: number;
  window: Window | undefined;
  zoom: number;
  /** Where the picture lies, in CSS pixels. */
  place: Placement;
  /** The picture on the screen is not yet the one asked for. */
  isLate: boolean;
  isMoved: boolean;
}

/** What a reader wants to know about the picture, in its corners. */
export function StackOverlay({ frame, index, count, window, zoom, place, isLate, isMoved }: StackOverlayProps) {
  const letters = frame.orientation && edgeLetters(frame.orientation);
  const bar = frame.columnSpacing ? scaleBar((frame.columnSpacing * frame.columns) / place.width, 140) : undefined;
  return (
    <div className="overlay">
      <div className="overlay-corner top-left">
        <div>
          {frame.frameNumber > 1 || count > 1 ? 'Im' : 'Image'} {index + 1} / {count}
          {isLate && <span className="overlay-late"> loading</span>}
        </div>
        {frame.location !== undefined && <div>Pos {frame.location.toFixed(1)} mm</div>}
        {frame.thickness !== undefined && <div>Thk {Number(frame.thickness.toFixed(2))} mm</div>}
      </div>
      <div className="overlay-corner top-right">
        <div>
          {frame.columns} {'×'} {frame.rows}
        </div>
        {isMoved && <div>Zoom {Math.round(zoom * 100)} %</div>}
      </div>
      <div className="overlay-corner bottom-left">
        {frame.isMonochrome &&
          (window ? (
            <div>
              C {formatLevel(window.center)} W {formatLevel(window.width)}
            </div>
          ) : (
            <div>Window automatic</div>
          ))}
      </div>
      {bar && (
        <div className="scale-bar" style={{ width: bar.width }}>
          {bar.label}
        </div>
      )}
      {letters && (
        <>
          <span className="edge edge-left">{letters.left}</span>
          <span className="edge edge-right">{letters.right}</span>
          <span className="edge edge-top">{letters.top}</span>
          <span className="edge edge-bottom">{letters.bottom}</span>
        </>
      )}
    </div>
  );
}

function formatLevel(value: number): string {
  return String(Number(value.toFixed(2)));
}
