import { setImmediate as breathe } from 'node:timers/promises';
import { makeChestCt } from './chest/make-chest-ct.js';
import { makeEcg } from './ecg/make-ecg.js';
import { makeSlide } from './slide/make-slide.js';

export const sampleNames = ['ecg', 'slide', 'chest'] as const;
export type SampleName = (typeof sampleNames)[number];

export interface SampleStudy {
  name: SampleName;
  /** Part 10 objects, made one at a time as they are asked for. Go over them once. */
  instances: AsyncIterable<Buffer>;
}

/**
 * The sample studies, the quickest to make first: an ECG in atrial fibrillation, a slide with a dysplastic polyp, a chest
 * CT with emphysema. All are computed, none is of a person, and each is the same bytes every time.
 *
 * An instance takes up to some seconds of computing at a stretch: in a process that serves, use `sendSamples`, which
 * does it in another one.
 */
export async function* makeSampleStudies(): AsyncGenerator<SampleStudy> {
  for (const name of sampleNames) yield { name, instances: makeSample(name) };
}

/** The instances of one sample study; see {@link makeSampleStudies}. */
export async function* makeSample(name: SampleName): AsyncGenerator<Buffer> {
  switch (name) {
    case 'ecg':
      yield makeEcg();
      return;
    case 'slide':
      yield* makeSlide();
      return;
    case 'chest':
      for (const slice of makeChestCt()) {
        yield slice;
        await breathe();
      }
  }
}
