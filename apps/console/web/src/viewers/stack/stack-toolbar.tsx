import type { ReactNode } from 'react';
import { type Cine, cineRateMax, cineRateMin } from './use-cine.js';
import type { Window, WindowPreset } from './window.js';

interface StackToolbarProps {
  presets: WindowPreset[];
  window: Window | undefined;
  onWindow: (window: Window | undefined) => void;
  onReset: () => void;
  isInverted: boolean;
  onInvert: () => void;
  onZoom: (factor: number) => void;
  cine: Cine | undefined;
  children: ReactNode;
}

export function StackToolbar(props: StackToolbarProps) {
  const { presets, window, onWindow, onReset, isInverted, onInvert, onZoom, cine, children } = props;
  return (
    <div className="tools" role="toolbar" aria-label="Viewer">
      {children}
      {presets.length > 1 && (
        <div className="tool-group" role="group" aria-label="Window">
          {presets.map((preset) => (
            <button
              key={preset.name}
              type="button"
              title={
                preset.window
                  ? `${preset.name}: centre ${preset.window.center}, width ${preset.window.width} (key ${preset.key})`
                  : `As the image says (key ${preset.key})`
              }
              aria-pressed={preset.window === window}
              onClick={() => onWindow(preset.window)}
            >
              {preset.name}
            </button>
          ))}
        </div>
      )}
      <div className="tool-group" role="group" aria-label="View">
        <button type="button" title="Zoom out (-)" aria-label="Zoom out" onClick={() => onZoom(0.8)}>
          {'−'}
        </button>
        <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => onZoom(1.25)}>
          +
        </button>
        <button type="button" title="Invert (i)" aria-pressed={isInverted} onClick={onInvert}>
          Invert
        </button>
        <button type="button" title="Window, zoom and position as at first (r, double click)" onClick={onReset}>
          Reset
        </button>
      </div>
      {cine && (
        <div className="tool-group" role="group" aria-label="Cine">
          <button type="button" title="Play or stop (space)" aria-pressed={cine.isPlaying} onClick={cine.toggle}>
            {cine.isPlaying ? '❚❚ Stop' : '▶ Play'}
          </button>
          <label className="rate">
            <input
              type="number"
              aria-label="Frames a second"
              min={cineRateMin}
              max={cineRateMax}
              value={cine.framesPerSecond}
              onChange={(event) => {
                const rate = Number(event.target.value);
                if (rate >= cineRateMin && rate <= cineRateMax) cine.setFramesPerSecond(rate);
              }}
            />
            fps
          </label>
        </div>
      )}
      <span className="tools-hint faint">drag: window, shift: move</span>
    </div>
  );
}
