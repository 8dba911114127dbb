import { useState } from 'react';
import { instanceUrl, type SeriesPath } from '../../api/dicomweb.js';
import type { Level } from './build-pyramid.js';
import { placeTiles, type SlideView } from './slide-view.js';

interface TileLayerProps {
  series: SeriesPath;
  level: Level;
  view: SlideView;
  screen: { width: number; height: number };
  tilesMax: number;
  onFail?: (url: string) => void;
}

/** The tiles of one level that are on the screen. Whatever of an edge tile lies outside the slide is cut off. */
export function TileLayer({ series, level, view, screen, tilesMax, onFail }: TileLayerProps) {
  const { tiles, total } = placeTiles(level, view, screen, tilesMax);
  const edge = (position: number, middle: number, size: number) => (position - middle) * view.scale + size / 2;
  const left = Math.round(edge(0, view.x, screen.width));
  const top = Math.round(edge(0, view.y, screen.height));
  const right = Math.round(edge(level.width * level.downsample, view.x, screen.width));
  const bottom = Math.round(edge(level.height * level.downsample, view.y, screen.height));
  return (
    <div className="tiles" style={{ left, top, width: right - left, height: bottom - top }} data-total={total}>
      {tiles.map((tile) => {
        const url = `${instanceUrl({ ...series, sopInstanceUid: tile.sopInstanceUid })}/frames/${tile.frameNumber}/rendered`;
        return (
          <TileImage
            key={url}
            url={url}
            left={tile.screenLeft - left}
            top={tile.screenTop - top}
            width={tile.screenWidth}
            height={tile.screenHeight}
            onFail={onFail}
          />
        );
      })}
    </div>
  );
}

interface TileImageProps {
  url: string;
  left: number;
  top: number;
  width: number;
  height: number;
  onFail: ((url: string) => void) | undefined;
}

function TileImage({ url, left, top, width, height, onFail }: TileImageProps) {
  const [state, setState] = useState<'loading' | 'shown' | 'failed'>('loading');
  return (
    <img
      src={url}
      alt=""
      draggable={false}
      decoding="async"
      className={`tile-${state}`}
      style={{ left, top, width, height }}
      onLoad={() => setState('shown')}
      onError={() => {
        setState('failed');
        onFail?.(url);
      }}
    />
  );
}
