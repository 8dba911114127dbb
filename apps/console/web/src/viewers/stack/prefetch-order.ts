/**
 * Which slices to load, most urgent first: the one shown, then those ahead in the direction of travel, then those
 * behind. Indexes from 0, all within the stack.
 */
export function prefetchOrder(
  index: number,
  count: number,
  direction: 1 | -1,
  ahead: number,
  behind: number,
): number[] {
  const order = [index];
  for (let step = 1; step <= Math.max(ahead, behind); step++) {
    if (step <= ahead) order.push(index + step * direction);
    if (step <= behind) order.push(index - step * direction);
  }
  return order.filter((slice) => slice >= 0 && slice < count);
}
