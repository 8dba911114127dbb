import type { PointerEvent } from 'react';
import type { SeriesPath } from '../../api/dicomweb.js';
import type { Pyramid } from './build-pyramid.js';
import { clampView, type SlideView } from './slide-view.js';
import { TileLayer } from './tile-layer.js';

const side = 150;
const tilesMax = 64;

interface SlideNavigatorProps {
  series: SeriesPath;
  pyramid: Pyramid;
  view: SlideView;
  screen: { width: number; height: number };
  onMove: (view: SlideView) => void;
}

/** The whole slide, small, with a frame around what is on the screen; a click goes there. */
export function SlideNavigator({ series, pyramid, view, screen, onMove }: SlideNavigatorProps) {
  const { width, height } = pyramid.levels[0]!;
  const scale = side / Math.max(width, height);
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const frame = {
    left: (view.x - screen.width / 2 / view.scale) * scale,
    top: (view.y - screen.height / 2 / view.scale) * scale,
    width: (screen.width / view.scale) * scale,
    height: (screen.height / view.scale) * scale,
  };
  const go = (event: PointerEvent) => {
    event.stopPropagation();
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - box.left) / scale;
    const y = (event.clientY - box.top) / scale;
    onMove(clampView({ ...view, x, y }, pyramid, screen));
  };
  return (
    <div className="navigator" style={size} onPointerDown={go} onPointerMove={go} aria-hidden="true">
      <TileLayer
        series={series}
        level={pyramid.levels.at(-1)!}
        view={{ x: width / 2, y: height / 2, scale }}
        screen={size}
        tilesMax={tilesMax}
      />
      <span className="navigator-frame" style={frame} />
    </div>
  );
}
