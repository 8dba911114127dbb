import type { Level, Pyramid, Rectangle, Tile } from './build-pyramid.js';

/** What of a slide is on the screen: its middle in pixels of the finest level, and screen pixels for one of those. */
export interface SlideView {
  x: number;
  y: number;
  scale: number;
}

interface Size {
  width: number;
  height: number;
}

/** Beyond four screen pixels for one of the slide's there is nothing more to see. */
const scaleMax = 4;

/** The whole slide in the middle of the screen. */
export function fitSlide(pyramid: Pyramid, screen: Size): SlideView {
  const { width, height } = pyramid.levels[0]!;
  const scale = Math.min(screen.width / width, screen.height / height) * 0.96;
  return { x: width / 2, y: height / 2, scale: scale > 0 ? scale : 1 };
}

/** A view within bounds: not smaller than a quarter of the fitted slide, its middle on the slide. */
export function clampView(view: SlideView, pyramid: Pyramid, screen: Size): SlideView {
  const { width, height } = pyramid.levels[0]!;
  const scaleMin = fitSlide(pyramid, screen).scale / 4;
  return {
    x: Math.min(Math.max(view.x, 0), width),
    y: Math.min(Math.max(view.y, 0), height),
    scale: Math.min(Math.max(view.scale, scaleMin), Math.max(scaleMax, scaleMin)),
  };
}

/** Zooms keeping the slide under a point (screen pixels from the middle of the screen) where it is. */
export function zoomView(
  view: SlideView,
  factor: number,
  x: number,
  y: number,
  pyramid: Pyramid,
  screen: Size,
): SlideView {
  const { scale } = clampView({ ...view, scale: view.scale * factor }, pyramid, screen);
  return clampView(
    { scale, x: view.x + x / view.scale - x / scale, y: view.y + y / view.scale - y / scale },
    pyramid,
    screen,
  );
}

/** The coarsest level that still has a pixel for every pixel of the screen (the finest, when none has). */
export function chooseLevel(pyramid: Pyramid, scale: number, devicePixelRatio: number): Level {
  const needed = 1 / (scale * devicePixelRatio);
  // A level a little too coarse looks the same and needs a quarter of the tiles.
  return pyramid.levels.findLast((level) => level.downsample <= needed * 1.2) ?? pyramid.levels[0]!;
}

/** What of a level is on the screen, in pixels of that level. */
export function visibleArea(level: Level, view: SlideView, screen: Size): Rectangle {
  const halfWidth = screen.width / 2 / view.scale;
  const halfHeight = screen.height / 2 / view.scale;
  return {
    left: Math.max(0, (view.x - halfWidth) / level.downsample),
    top: Math.max(0, (view.y - halfHeight) / level.downsample),
    right: Math.min(level.width, (view.x + halfWidth) / level.downsample),
    bottom: Math.min(level.height, (view.y + halfHeight) / level.downsample),
  };
}

export interface PlacedTile extends Tile {
  /** Screen pixels from the top left; edges rounded so that neighbours meet without a seam. */
  screenLeft: number;
  screenTop: number;
  screenWidth: number;
  screenHeight: number;
}

/**
 * The tiles to show, nearest the middle first, at most `countMax`.
 * @returns also how many there are, so that leaving some out can be told
 */
export function placeTiles(
  level: Level,
  view: SlideView,
  screen: Size,
  countMax: number,
): { tiles: PlacedTile[]; total: number } {
  const found = level.tilesIn(visibleArea(level, view, screen));
  const toScreenX = (x: number) => Math.round((x * level.downsample - view.x) * view.scale + screen.width / 2);
  const toScreenY = (y: number) => Math.round((y * level.downsample - view.y) * view.scale + screen.height / 2);
  const placed = found.map((tile): PlacedTile => {
    const screenLeft = toScreenX(tile.left);
    const screenTop = toScreenY(tile.top);
    return {
      ...tile,
      screenLeft,
      screenTop,
      screenWidth: toScreenX(tile.left + level.tileWidth) - screenLeft,
      screenHeight: toScreenY(tile.top + level.tileHeight) - screenTop,
    };
  });
  const distance = (tile: PlacedTile) =>
    Math.hypot(
      tile.screenLeft + tile.screenWidth / 2 - screen.width / 2,
      tile.screenTop + tile.screenHeight / 2 - screen.height / 2,
    );
  placed.sort((a, b) => distance(a) - distance(b));
  return { tiles: placed.slice(0, countMax), total: placed.length };
}

/** The objective that shows as much, by the usual rule that 40x is 0.25 micrometres a pixel. */
export function apparentMagnification(millimetresPerPixel: number, scale: number): number {
  return (0.01 / millimetresPerPixel) * scale;
}
