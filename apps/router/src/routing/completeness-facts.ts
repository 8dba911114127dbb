import { jsonNumber } from '#libs/dicom';
import type { CompletenessFacts, Notice, SeriesShape } from './completeness.js';
import type { SeriesFacts, StudyFacts } from './study-facts.js';

const numberOfStudyRelatedSeries = '00201206';
const numberOfStudyRelatedInstances = '00201208';
const numberOfSeriesRelatedInstances = '00201209';
const imagesInAcquisition = '00201002';

/** What of a study speaks for or against its being complete. The archive's own counts are not evidence: only what senders wrote. */
export function completenessFacts(
  study: StudyFacts,
  notices: Notice[],
  shapes: ReadonlyMap<string, SeriesShape>,
): CompletenessFacts {
  const sources = study.series.filter((series) => series.isSource);
  return {
    notices,
    secondsSinceLastReceived: study.secondsSinceLastReceived,
    numberOfSeries: sources.length,
    numberOfInstances: sources.reduce((sum, series) => sum + series.numberOfInstances, 0),
    expectedSeries: largest(sources, numberOfStudyRelatedSeries),
    expectedInstances: largest(sources, numberOfStudyRelatedInstances),
    series: sources.map((series, index) => ({
      label: `series ${jsonNumber(series.attributes, '00200011') ?? index + 1}`,
      shape: shapes.get(series.seriesInstanceUid),
      received: Math.max(series.numberOfInstances, series.numberOfFrames),
      expected: number(series.sample, numberOfSeriesRelatedInstances) ?? number(series.sample, imagesInAcquisition),
    })),
  };
}

function largest(series: SeriesFacts[], tag: string): number | undefined {
  const values = series.map(({ sample }) => number(sample, tag)).filter((value) => value !== undefined);
  return values.length > 0 ? Math.max(...values) : undefined;
}

function number(sample: SeriesFacts['sample'], tag: string): number | undefined {
  return sample && jsonNumber(sample, tag);
}
