import type { PostprocessingStep } from '../../models/manifest.js';
import type { InputFacts, Reducer } from '../reducer.js';
import { ModelError } from '../../models/model-error.js';
import { tensorNamed } from '../tensor.js';
import { labelSlice, type Run } from './label-slice.js';
import { histogramPercentile } from './distribution.js';

type ComponentsStep = Extract<PostprocessingStep, { step: 'components' }>;
type VolumeFacts = Extract<InputFacts, { kind: 'stack' }>;

/** Each open region holds a histogram; noise instead of organs must not fill the memory. */
const regionsPerSliceMax = 20_000;

interface Component {
  pixels: number;
  sum: number;
  counts: Float64Array;
  pixelsInFirstSlice: number;
  pixelsInLastSlice: number;
}

/**
 * 3-D connected components (6-neighbours) of a mask that comes slice by slice. Only the labels of the slice before and one
 * histogram for each component are held: memory does not grow with the number of slices.
 */
export function componentsStep(step: ComponentsStep, facts: VolumeFacts): Reducer {
  const bins = step.bins.to - step.bins.from + 1;
  const millilitres = (pixels: number) => (pixels * facts.pixelAreaMm2 * facts.sliceSpacingMm) / 1000;
  const finished: Component[] = [];
  const dropped = emptyComponent(bins);
  let open = new Map<number, Component>();
  let before: Int32Array | undefined;
  let sliceIndex = 0;
  let lastLabel = 0;

  const takeSlice = (
    mask: Uint8Array | Float32Array | Int32Array,
    data: Uint8Array | Float32Array | Int32Array,
    rows: number,
    columns: number,
  ) => {
    const labels = new Int32Array(rows * columns);
    const current = new Map<number, Component>();
    /** A component that was merged into another, and that other. */
    const merged = new Map<number, number>();
    const find = (label: number): number => {
      let root = label;
      while (merged.has(root)) root = merged.get(root)!;
      return root;
    };

    const regions = labelSlice(mask, rows, columns);
    if (regions.length > regionsPerSliceMax)
      throw new ModelError(
        'invalid-input',
        `Slice ${sliceIndex + 1} falls into ${regions.length} regions, at most ${regionsPerSliceMax} are taken: it is noise, or not what the model is for.`,
      );
    for (const region of regions) {
      const found = measureRegion(region, data, step.bins.from, bins);
      if (isDropped(found, step, facts)) {
        add(dropped, found);
        continue;
      }
      if (sliceIndex === 0) found.pixelsInFirstSlice = found.pixels;
      if (sliceIndex === facts.slices - 1) found.pixelsInLastSlice = found.pixels;

      const touched = new Set<number>();
      for (const run of region) {
        for (let at = run.start; before && at < run.end; at++) if (before[at]) touched.add(find(before[at]!));
      }
      let label = touched.values().next().value;
      if (label === undefined) current.set((label = ++lastLabel), found);
      else {
        const into = current.get(label) ?? open.get(label)!;
        current.set(label, into);
        add(into, found);
        for (const other of touched) {
          if (other === label) continue;
          add(into, current.get(other) ?? open.get(other)!);
          merged.set(other, label);
          current.delete(other);
        }
      }
      for (const run of region) labels.fill(label, run.start, run.end);
    }

    for (const [label, component] of open) {
      const goesOn = current.has(label) || merged.has(label);
      if (!goesOn && millilitres(component.pixels) >= step.keep.volumeAtLeastMl) finished.push(component);
    }
    if (merged.size > 0) for (let at = 0; at < labels.length; at++) if (labels[at]) labels[at] = find(labels[at]!);
    open = current;
    before = labels;
    sliceIndex++;
  };

  return {
    take: (tensors) => {
      const mask = tensorNamed(tensors, step.mask);
      const data = tensorNamed(tensors, step.values).data;
      const [rows, columns] = mask.dims.slice(-2) as [number, number];
      for (let at = 0; at < mask.data.length; at += rows * columns) {
        takeSlice(mask.data.subarray(at, at + rows * columns), data.subarray(at, at + rows * columns), rows, columns);
      }
    },
    finish: (values) => {
      const kept = choose([...finished, ...open.values()], step, millilitres);
      const total = emptyComponent(bins);
      for (const component of kept) add(total, component);
      values.set(`${step.gives}.count`, kept.length);
      values.set(`${step.gives}.volume`, millilitres(total.pixels));
      values.set(`${step.gives}.histogram`, { from: step.bins.from, counts: total.counts, sum: total.sum });
      values.set(`${step.gives}.dropped`, { from: step.bins.from, counts: dropped.counts, sum: dropped.sum });
      values.set(
        `${step.gives}.endArea`,
        (Math.max(total.pixelsInFirstSlice, total.pixelsInLastSlice) * facts.pixelAreaMm2) / 100,
      );
    },
  };
}

function choose(
  components: Component[],
  { keep }: ComponentsStep,
  millilitres: (pixels: number) => number,
): Component[] {
  const fit = components
    .filter((one) => millilitres(one.pixels) >= keep.volumeAtLeastMl && one.sum / one.pixels >= keep.meanAtLeast)
    .sort((a, b) => b.pixels - a.pixels);
  const largest = fit[0]?.pixels ?? 0;
  return fit.filter((one) => one.pixels >= keep.shareOfLargestAtLeast * largest).slice(0, keep.atMost);
}

function isDropped(region: Component, { dropRegions, bins }: ComponentsStep, { pixelAreaMm2 }: VolumeFacts): boolean {
  if ((region.pixels * pixelAreaMm2) / 100 >= dropRegions.areaBelowCm2) return false;
  return histogramPercentile(bins.from, region.counts, region.pixels, 50) < dropRegions.medianBelow;
}

function measureRegion(
  region: Run[],
  data: Uint8Array | Float32Array | Int32Array,
  from: number,
  bins: number,
): Component {
  const found = emptyComponent(bins);
  const to = from + bins - 1;
  for (const run of region) {
    for (let at = run.start; at < run.end; at++) {
      const raw = data[at]!;
      const value = raw < from ? from : raw > to ? to : raw;
      found.sum += value;
      found.counts[Math.floor(value - from)]!++;
    }
    found.pixels += run.end - run.start;
  }
  return found;
}

function emptyComponent(bins: number): Component {
  return { pixels: 0, sum: 0, counts: new Float64Array(bins), pixelsInFirstSlice: 0, pixelsInLastSlice: 0 };
}

function add(into: Component, other: Component): void {
  into.pixels += other.pixels;
  into.sum += other.sum;
  into.pixelsInFirstSlice += other.pixelsInFirstSlice;
  into.pixelsInLastSlice += other.pixelsInLastSlice;
  for (let bin = 0; bin < into.counts.length; bin++) into.counts[bin]! += other.counts[bin]!;
}
