import { strokeText, strokeTextWidth } from '../waveform/stroke-font.js';
import { type Geometry, toPicture } from './geometry.js';
import type { Graphic, GraphicText, Point, Presentation } from './presentation.js';

/** The graphics and texts of a presentation state as an SVG of the picture's size; undefined when there are none. */
export function drawGraphics({ graphics, texts }: Presentation, geometry: Geometry): string | undefined {
  if (graphics.length === 0 && texts.length === 0) return undefined;
  const { width, height } = geometry;
  const lineWidth = Math.max(1, Math.min(width, height) / 400);
  const content =
    graphics.map((graphic) => drawGraphic(graphic, geometry, lineWidth)).join('') +
    texts.map((text) => drawText(text, geometry, lineWidth)).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" stroke-linejoin="round">${content}</svg>`;
}

const at = ({ x, y }: Point): string => `${x.toFixed(2)} ${y.toFixed(2)}`;

function drawGraphic(graphic: Graphic, geometry: Geometry, lineWidth: number): string {
  const points = graphic.points.map((point) => toPicture(geometry, graphic.units, point));
  const fill = graphic.isFilled ? graphic.color : 'none';
  const style = `fill="${fill}" stroke="${graphic.color}" stroke-width="${lineWidth.toFixed(2)}"`;
  const [first, second, third, fourth] = points;
  if (first === undefined) return '';
  switch (graphic.kind) {
    case 'point':
      return `<circle cx="${first.x.toFixed(2)}" cy="${first.y.toFixed(2)}" r="${(2 * lineWidth).toFixed(2)}" fill="${graphic.color}"/>`;
    case 'line':
      return `<path d="M${points.map(at).join('L')}" ${style}/>`;
    case 'curve':
      return `<path d="${smooth(points)}" ${style}/>`;
    case 'circle': {
      if (second === undefined) return '';
      const radius = Math.hypot(second.x - first.x, second.y - first.y);
      return `<circle cx="${first.x.toFixed(2)}" cy="${first.y.toFixed(2)}" r="${radius.toFixed(2)}" ${style}/>`;
    }
    case 'ellipse': {
      // The ends of the major axis, then of the minor one.
      if (second === undefined || third === undefined || fourth === undefined) return '';
      const center = { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
      const major = Math.hypot(second.x - first.x, second.y - first.y) / 2;
      const minor = Math.hypot(fourth.x - third.x, fourth.y - third.y) / 2;
      const angle = (Math.atan2(second.y - first.y, second.x - first.x) * 180) / Math.PI;
      return `<ellipse rx="${major.toFixed(2)}" ry="${minor.toFixed(2)}" transform="translate(${at(center)}) rotate(${angle.toFixed(2)})" ${style}/>`;
    }
  }
}

/** A curve through all points: Catmull-Rom, as cubic Bézier. What INTERPOLATED is, the standard leaves open. */
function smooth(points: Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const isClosed = rest.length > 1 && Math.hypot(rest.at(-1)!.x - first.x, rest.at(-1)!.y - first.y) < 1e-3;
  const get = (i: number): Point => {
    if (isClosed) return points[(i + points.length - 1) % (points.length - 1)] as Point;
    return points[Math.min(Math.max(i, 0), points.length - 1)] as Point;
  };
  let d = `M${at(first)}`;
  for (let i = 0; i + 1 < points.length; i++) {
    const [before, from, to, after] = [get(i - 1), get(i), points[i + 1] as Point, get(i + 2)];
    const a = { x: from.x + (to.x - before.x) / 6, y: from.y + (to.y - before.y) / 6 };
    const b = { x: to.x - (after.x - from.x) / 6, y: to.y - (after.y - from.y) / 6 };
    d += `C${at(a)} ${at(b)} ${at(to)}`;
  }
  return d;
}

function drawText({ lines, box, anchor, color }: GraphicText, geometry: Geometry, lineWidth: number): string {
  const letterHeight = Math.max(7, Math.min(geometry.width, geometry.height) / 45);
  const lineHeight = letterHeight * 1.8;
  const tip = anchor && toPicture(geometry, anchor.units, anchor.point);
  const corners = box && [box.topLeft, box.bottomRight].map((corner) => toPicture(geometry, box.units, corner));
  const boxLeft = corners && Math.min(...corners.map(({ x }) => x));
  const boxTop = corners && Math.min(...corners.map(({ y }) => y));
  const width = Math.max(...lines.map((line) => strokeTextWidth(line, letterHeight)));
  // Text is never outside of the picture: it would not be read.
  const left = clamp(boxLeft ?? tip?.x ?? 0, 2, geometry.width - width - 2);
  const top = clamp(boxTop ?? tip?.y ?? 0, 2, geometry.height - lineHeight * lines.length);
  const written = lines
    .map((line, i) => `<path d="${strokeText(line, left, top + letterHeight + i * lineHeight, letterHeight)}"/>`)
    .join('');
  // The pointer goes to the nearest edge of the text.
  const from = tip && {
    x: clamp(tip.x, left, left + width),
    y: clamp(tip.y, top - 2, top + (lines.length - 1) * lineHeight + letterHeight + 2),
  };
  const pointer = tip && from && anchor?.isVisible === true ? `<path d="M${at(from)}L${at(tip)}"/>` : '';
  const shade = `<g fill="none" stroke="#000000" stroke-width="${(letterHeight / 3).toFixed(2)}" stroke-opacity="0.6" stroke-linecap="round">${written}</g>`;
  return (
    shade +
    `<g fill="none" stroke="${color}" stroke-width="${Math.max(lineWidth, letterHeight / 9).toFixed(2)}" stroke-linecap="round">${written}${pointer}</g>`
  );
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.max(lowest, Math.min(value, highest));
}
