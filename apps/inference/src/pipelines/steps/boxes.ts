import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { Place } from '../batch.js';
import type { Reducer } from '../reducer.js';
import { tensorNamed } from '../tensor.js';
import type { Box } from '../values.js';

type BoxesStep = Extract<PostprocessingStep, { step: 'non-maximum-suppression' }>;

/** Boxes held while a slide goes by; only the best can be among the answer. */
const candidatesMax = 20_000;

/** Boxes and scores of a detector: those above the threshold, in the picture's own pixels, the best of those that overlap. */
export function boxesStep(step: BoxesStep): Reducer {
  let candidates: Box[] = [];
  return {
    take: (tensors, { places }) => {
      const [boxes, scores] = [tensorNamed(tensors, step.boxes), tensorNamed(tensors, step.scores)];
      const count = boxes.dims[1]!;
      const classes = scores.dims.length === 3 ? scores.dims[2]! : 1;
      if (boxes.dims.at(-1) !== 4 || scores.dims[1] !== count)
        throw new ModelError(
          'invalid-output',
          `"${step.boxes}" is [${boxes.dims.join(', ')}] and "${step.scores}" [${scores.dims.join(', ')}]; four numbers a box and a score a box are needed.`,
        );
      places.forEach((place, item) => {
        for (let index = 0; index < count; index++) {
          const at = item * count + index;
          for (let value = 0; value < classes; value++) {
            const score = scores.data[at * classes + value]!;
            if (score > step.scoreAbove)
              candidates.push({
                ...toPicture(corners(boxes.data.subarray(at * 4, at * 4 + 4), step.corners), place),
                score,
                value: classes === 1 ? 1 : value,
              });
          }
        }
      });
      if (candidates.length > candidatesMax) candidates = suppress(candidates, step);
    },
    finish: (values) => {
      const boxes = suppress(candidates, step);
      values.set(step.gives, { kind: 'boxes', boxes });
      values.set(`${step.gives}.count`, boxes.length);
      values.set(`${step.gives}.topScore`, boxes[0]?.score ?? 0);
    },
  };
}

/** Greedy, class by class: the best first, then all that do not overlap one already taken. */
export function suppress(
  candidates: readonly Box[],
  { overlapAbove, atMost }: Pick<BoxesStep, 'overlapAbove' | 'atMost'>,
): Box[] {
  const taken: Box[] = [];
  for (const box of candidates.toSorted((a, b) => b.score - a.score)) {
    if (taken.length === atMost) break;
    const isCovered = taken.some(
      (other) => other.value === box.value && other.frame === box.frame && overlap(other, box) > overlapAbove,
    );
    if (!isCovered) taken.push(box);
  }
  return taken;
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box.right - box.left) * (box.bottom - box.top);
  return (width * height) / (area(a) + area(b) - width * height);
}

function corners(numbers: ArrayLike<number>, order: BoxesStep['corners']): [number, number, number, number] {
  const [a, b, c, d] = [numbers[0]!, numbers[1]!, numbers[2]!, numbers[3]!];
  if (order === 'xyxy') return [a, b, c, d];
  if (order === 'yxyx') return [b, a, d, c];
  return [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
}

/** Edges rather than pixel centres, hence the halves. */
function toPicture(
  [left, top, right, bottom]: [number, number, number, number],
  place: Place,
): Pick<Box, 'frame' | 'left' | 'top' | 'right' | 'bottom'> {
  if (place.kind === 'tile') {
    const [x, y] = [place.column - place.overlap, place.row - place.overlap];
    return { frame: undefined, left: left + x, top: top + y, right: right + x, bottom: bottom + y };
  }
  if (place.kind !== 'picture') throw new Error(`A ${place.kind} has no boxes; the manifest's names were not checked.`);
  const { row, column } = place.transform;
  const along = ({ scale, offset }: typeof row, edge: number) => (edge - 0.5) * scale + offset + 0.5;
  return {
    frame: place.frame,
    left: along(column, left),
    top: along(row, top),
    right: along(column, right),
    bottom: along(row, bottom),
  };
}
